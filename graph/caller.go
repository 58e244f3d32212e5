package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"ticketing/command"
	"ticketing/command/rejection"
	"ticketing/graph/apierror"
	"ticketing/graph/request"
	"ticketing/internal/auth"
	"ticketing/internal/card"
	"ticketing/internal/telemetry"
)

// caller answers who acts, for mutations whose input has no idempotency key.
func caller(ctx context.Context) command.Caller {
	viewer, _ := auth.FromContext(ctx) // @auth has seen to it that there is one
	return command.Caller{
		Actor: viewer.UserID, Admin: viewer.HasRole(auth.RoleAdmin),
		CorrelationID: telemetry.CorrelationID(ctx), Traceparent: telemetry.Traceparent(ctx),
	}
}

// callerOnce answers who acts, for mutations that must not act twice: with the key of the input or of the Idempotency-Key header.
func callerOnce(ctx context.Context, key *string) (command.Caller, error) {
	by, err := callerMaybeOnce(ctx, key)
	if err == nil && by.IdempotencyKey == "" {
		return by, apierror.New(apierror.IdempotencyKeyRequired,
			"give an idempotencyKey, or an Idempotency-Key header with a single mutation, so that a retry acts only once")
	}
	return by, err
}

// callerMaybeOnce is callerOnce where the key is optional.
func callerMaybeOnce(ctx context.Context, key *string) (command.Caller, error) {
	by := caller(ctx)
	header := request.From(ctx).IdempotencyKey
	switch {
	case key != nil && header != "" && *key != header && headerApplies(ctx):
		return by, rejection.New(rejection.Invalid, "idempotencyKey and the Idempotency-Key header differ").At("idempotencyKey")
	case key != nil:
		by.IdempotencyKey = *key
	case header != "" && headerApplies(ctx):
		by.IdempotencyKey = header
	default:
		return by, nil
	}
	return by, checkKey(by.IdempotencyKey)
}

func checkKey(key string) error {
	const longest = 255
	wrong := rejection.New(rejection.Invalid, "an idempotency key has 1 to %d printable ASCII characters", longest).At("idempotencyKey")
	if key == "" || len(key) > longest {
		return wrong
	}
	if card.IsIn(key) {
		return rejection.New(rejection.Invalid, "this looks like it holds a card number, which must never be sent here").At("idempotencyKey")
	}
	for _, c := range []byte(key) {
		if c < ' ' || c > '~' {
			return wrong
		}
	}
	return nil
}

// headerApplies says whether the operation has a single mutation that takes an idempotency key: one header can't be the key of two.
func headerApplies(ctx context.Context) bool {
	oc := graphql.GetOperationContext(ctx)
	keyed := 0
	for _, field := range graphql.CollectFields(oc, oc.Operation.SelectionSet, []string{"Mutation"}) {
		if takesKey(field.Definition) {
			keyed++
		}
	}
	return keyed == 1
}

func takesKey(mutation *ast.FieldDefinition) bool {
	input := mutation.Arguments.ForName("input")
	return input != nil && keyedInputs[input.Type.Name()]
}
