package command

import (
	"context"

	"ticketing/command/engine"
)

// action is one use case's way through the engine.
type action[T any] struct {
	mutation string // the name of the command; scopes the idempotency key
	input    any
	streams  []string
	decide   func(tx *engine.Tx) (T, error)
	ref      func(T) string                                   // what the idempotency key remembers
	replay   func(ctx context.Context, ref string) (T, error) // what a retry returns, from what was remembered
	outdated func(tx *engine.Tx, ref string) (bool, error)    // as in engine.Request
}

// executeOnce executes an action once per idempotency key.
func executeOnce[T any](ctx context.Context, s *Service, by Caller, a action[T]) (value T, replayed bool, err error) {
	key, err := by.key(a.mutation, a.input)
	if err != nil {
		return value, false, err
	}
	result, err := s.engine.Execute(ctx, engine.Request{
		Metadata: by.metadata(), Streams: a.streams, Key: key, Outdated: a.outdated,
		Decide: func(tx *engine.Tx) (engine.Decided, error) {
			value, err := a.decide(tx)
			if err != nil {
				return engine.Decided{}, err
			}
			return engine.Decided{Ref: a.ref(value), Value: value}, nil
		},
	})
	s.metrics.countCommand(a.mutation, result.Replayed, err)
	if err != nil {
		return value, false, err
	}
	if result.Replayed {
		value, err = a.replay(ctx, result.Ref)
		return value, true, err
	}
	return result.Value.(T), false, nil //nolint:forcetypeassert // what Decide above returned
}

// execute has a command decided that is idempotent by itself and needs no idempotency key.
func execute[T any](ctx context.Context, s *Service, by Caller, name string, streams []string, decide func(tx *engine.Tx) (T, error)) (T, error) {
	by.IdempotencyKey = ""
	value, _, err := executeOnce(ctx, s, by, action[T]{mutation: name, streams: streams, decide: decide, ref: func(T) string { return "" }})
	return value, err
}
