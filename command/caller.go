package command

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"ticketing/command/engine"
	"ticketing/command/eventstore"
)

// Caller is the principal of a command, and its trace and idempotency key.
type Caller struct {
	Actor          string // a user id, or "system:<what>"
	Admin          bool
	CorrelationID  string
	CausationID    string // the id of the domain event that a saga reacts to
	Traceparent    string
	IdempotencyKey string // empty: the command is idempotent by itself, or the caller accepts that a retry is a second command
}

func (c Caller) metadata() eventstore.Metadata {
	causation := c.CausationID
	if causation == "" {
		causation = c.CorrelationID
	}
	return eventstore.Metadata{CorrelationID: c.CorrelationID, CausationID: causation, Actor: c.Actor, Traceparent: c.Traceparent}
}

// key scopes the caller's idempotency key to actor and mutation. The input's hash tells a retry from another command.
func (c Caller) key(mutation string, input any) (*engine.Key, error) {
	if c.IdempotencyKey == "" {
		return nil, nil //nolint:nilnil // no key is a valid result
	}
	request, err := json.Marshal(input)
	if err != nil {
		return nil, fmt.Errorf("hash the input of %s: %w", mutation, err)
	}
	hash := sha256.Sum256(request)
	return &engine.Key{Actor: c.Actor, Key: mutation + ":" + c.IdempotencyKey, Hash: hash[:], Releasable: mutation == processPayment}, nil
}
