package command

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"ticketing/command/engine"
	"ticketing/command/eventstore"
	"ticketing/command/internal/principal"
)

// Principal is an identity with its rights: a signed-in user or a part of the system. Only packages of the write side can make the
// latter.
type Principal = principal.Principal

// User returns the principal of a user without special rights.
func User(userID string) Principal { return principal.User(userID) }

// Admin returns the principal of a user who is an admin.
func Admin(userID string) Principal { return principal.Admin(userID) }

// Caller is the principal of a command, with its trace and idempotency key.
type Caller struct {
	Principal      Principal
	Trace          Trace
	IdempotencyKey string // empty: the command is idempotent by itself, or the caller accepts that a retry is a second command
}

// Trace tells what a command belongs to.
type Trace struct {
	CorrelationID string // one a request, through all that it leads to
	CausationID   string // the domain event that the saga reacts to. Default: CorrelationID.
	Traceparent   string // W3C Trace Context
}

func (c Caller) metadata() eventstore.Metadata {
	causation := c.Trace.CausationID
	if causation == "" {
		causation = c.Trace.CorrelationID
	}
	return eventstore.Metadata{
		CorrelationID: c.Trace.CorrelationID, CausationID: causation, Actor: c.Principal.ID(), Traceparent: c.Trace.Traceparent,
	}
}

// key scopes the caller's idempotency key to principal and mutation. The input's hash tells a retry from another command.
func (c Caller) key(mutation string, input any) (*engine.Key, error) {
	if c.IdempotencyKey == "" {
		return nil, nil //nolint:nilnil // no key is a valid result
	}
	request, err := json.Marshal(input)
	if err != nil {
		return nil, fmt.Errorf("hash the input of %s: %w", mutation, err)
	}
	hash := sha256.Sum256(request)
	return &engine.Key{
		Actor: c.Principal.ID(), Key: mutation + ":" + c.IdempotencyKey, Hash: hash[:], Releasable: mutation == processPayment || mutation == confirmPayment,
	}, nil
}
