package graph

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"ticketing/command"
	"ticketing/command/rejection"
	"ticketing/graph/apierror"
	"ticketing/graph/model"
	"ticketing/graph/request"
	"ticketing/internal/auth"
	"ticketing/internal/card"
	"ticketing/internal/telemetry"
)

// form is a mutation's input as the write side takes it, or what is wrong with it.
type form[C any] struct {
	command C
	errs    []*model.UserError
}

// mutate runs a mutation. A rejection becomes userErrors; the result may be set beside it, when the mutation changed something anyway.
func mutate[C, T any](ctx context.Context, caller callerFunc, in form[C], run func(context.Context, command.Caller, C) (T, error)) (result T, wrong []*model.UserError, err error) {
	by, err := caller(ctx)
	if err == nil && in.errs != nil {
		request.NoteRejection(ctx, in.errs[0].Code)
		loadersOf(ctx).metrics.countErrors(in.errs)
		return result, shortenErrors(in.errs), nil
	}
	if err == nil {
		result, err = run(ctx, by, in.command)
	}
	wrong, err = userErrors(ctx, err)
	return result, wrong, err
}

// mostUserErrors bounds a payload's userErrors: more than a person corrects at once, and an input may have thousands.
const mostUserErrors = 20

// shortenErrors returns the first errors, and one that counts the rest.
func shortenErrors(errs []*model.UserError) []*model.UserError {
	rest := len(errs) - mostUserErrors
	if rest <= 0 {
		return errs
	}
	more := userError(rejection.New(rejection.Invalid, "and %d more errors of this kind", rest))
	return append(slices.Clone(errs[:mostUserErrors]), more)
}

// callerFunc returns who asks for a mutation.
type callerFunc func(context.Context) (command.Caller, error)

// withoutKey is for mutations whose input has no idempotency key.
func withoutKey(ctx context.Context) (command.Caller, error) {
	viewer := viewerOf(ctx)
	principal := command.User(viewer.UserID)
	if viewer.HasRole(auth.RoleAdmin) {
		principal = command.Admin(viewer.UserID)
	}
	principal = principal.With(viewer.Linked)
	trace := command.Trace{CorrelationID: telemetry.CorrelationID(ctx), Traceparent: telemetry.Traceparent(ctx)}
	return command.Caller{Principal: principal, Trace: trace}, nil
}

// withKey is for mutations that need an idempotency key: that of the input or of the Idempotency-Key header.
func withKey(key *string) callerFunc {
	return func(ctx context.Context) (command.Caller, error) {
		by, err := withOptionalKey(key)(ctx)
		if err == nil && by.IdempotencyKey == "" {
			return by, apierror.New(apierror.IdempotencyKeyRequired,
				"give an idempotencyKey, or an Idempotency-Key header with a single mutation, so that a retry acts only once")
		}
		return by, err
	}
}

// withOptionalKey is withKey for mutations that do without a key.
func withOptionalKey(key *string) callerFunc {
	return func(ctx context.Context) (command.Caller, error) {
		by, err := withoutKey(ctx)
		if err == nil {
			by.IdempotencyKey, err = idempotencyKey(ctx, key)
		}
		return by, err
	}
}

// idempotencyKey returns the key of the input or of the header, "" when neither is given.
func idempotencyKey(ctx context.Context, key *string) (string, error) {
	header := request.From(ctx).IdempotencyKey
	if header != "" && !headerApplies(ctx) {
		header = ""
	}
	switch {
	case key == nil && header == "":
		return "", nil
	case key == nil:
		return header, checkKey(header)
	case header != "" && header != *key:
		return "", rejection.New(rejection.Invalid, "idempotencyKey and the Idempotency-Key header differ").At("idempotencyKey")
	}
	return *key, checkKey(*key)
}

func checkKey(key string) error {
	const longest = 255
	switch {
	case key == "" || len(key) > longest || !isPrintable(key):
		return rejection.New(rejection.Invalid, "an idempotency key has 1 to %d printable ASCII characters", longest).At("idempotencyKey")
	case card.IsIn(key):
		return rejection.New(rejection.Invalid, "this seems to contain a card number, which must never be sent here; a UUID is never taken for one").At("idempotencyKey")
	}
	return nil
}

// headerApplies reports whether the operation has a single mutation that takes an idempotency key: one header can't be the key of two.
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
