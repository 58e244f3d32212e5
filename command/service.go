// Package command is the write side's list of use cases: one method a business action. Each makes what the decision needs (ids),
// has it decided by the engine, and talks to the payment gateway where there is one to talk to, never under a lock.
//
// A use case's error is a *rejection.Error when the business says no.
package command

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"ticketing/command/engine"
	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/command/gateway"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
)

// Aggregates answers what the engine must know to run this package's use cases. The snapshot version changes with the format of
// inventory.State.AppendBinary.
func Aggregates() []engine.Aggregate {
	return []engine.Aggregate{
		engine.Define(event.Category, event.Evolve),
		engine.Define(inventory.Category, inventory.Evolve).WithSnapshots(2),
		engine.Define(reservation.Category, reservation.Evolve),
		engine.Define(payment.Category, payment.Evolve),
	}
}

// Gateways is what the service needs of gateway.Router.
type Gateways interface {
	// Pick answers the gateway that takes payments by this method ("card", "paypal").
	Pick(method string) (gateway.Gateway, error)
	// ByName answers the gateway that has a payment already.
	ByName(name string) (gateway.Gateway, error)
}

// Service runs the use cases.
type Service struct {
	Engine   *engine.Engine
	Gateways Gateways
	Hold     time.Duration // how long seats are held for an unpaid reservation
	Logger   *slog.Logger
}

// Caller is who asks, and on whose behalf the domain events are recorded.
type Caller struct {
	Actor          string // a user id, or "system:<what>"
	Admin          bool
	CorrelationID  string
	CausationID    string // the id of the domain event that a saga reacts to
	Traceparent    string
	IdempotencyKey string // empty: the command is idempotent by itself, or the caller takes the risk
}

func (c Caller) metadata() eventstore.Metadata {
	causation := c.CausationID
	if causation == "" {
		causation = c.CorrelationID
	}
	return eventstore.Metadata{CorrelationID: c.CorrelationID, CausationID: causation, Actor: c.Actor, Traceparent: c.Traceparent}
}

// key scopes the caller's idempotency key to actor and mutation. The request's hash tells a retry from another request.
func (c Caller) key(mutation string, input any) (*engine.Key, error) {
	if c.IdempotencyKey == "" {
		return nil, nil //nolint:nilnil // no key is a valid answer
	}
	request, err := json.Marshal(input)
	if err != nil {
		return nil, fmt.Errorf("hash the input of %s: %w", mutation, err)
	}
	hash := sha256.Sum256(request)
	return &engine.Key{Actor: c.Actor, Key: mutation + ":" + c.IdempotencyKey, Hash: hash[:], Releasable: mutation == processPayment}, nil
}

// action is one use case's way through the engine.
type action[T any] struct {
	mutation string // scopes the idempotency key
	input    any
	streams  []string
	decide   func(tx *engine.Tx) (T, error)
	ref      func(T) string                                   // what the idempotency key remembers
	replay   func(ctx context.Context, ref string) (T, error) // what a retry is answered, from what was remembered
}

// run executes an action once per idempotency key.
func run[T any](ctx context.Context, s *Service, by Caller, a action[T]) (value T, replayed bool, err error) {
	key, err := by.key(a.mutation, a.input)
	if err != nil {
		return value, false, err
	}
	result, err := s.Engine.Execute(ctx, engine.Request{
		Metadata: by.metadata(), Streams: a.streams, Key: key,
		Decide: func(tx *engine.Tx) (engine.Decided, error) {
			value, err := a.decide(tx)
			if err != nil {
				return engine.Decided{}, err
			}
			return engine.Decided{Ref: a.ref(value), Value: value}, nil
		},
	})
	if err != nil {
		return value, false, err
	}
	if result.Replayed {
		value, err = a.replay(ctx, result.Ref)
		return value, true, err
	}
	return result.Value.(T), false, nil //nolint:forcetypeassert // what Decide above answered
}

// execute has something decided that needs no idempotency key: it is idempotent by itself.
func execute[T any](ctx context.Context, s *Service, by Caller, streams []string, decide func(tx *engine.Tx) (T, error)) (T, error) {
	by.IdempotencyKey = ""
	value, _, err := run(ctx, s, by, action[T]{streams: streams, decide: decide, ref: func(T) string { return "" }})
	return value, err
}
