package graph

import (
	"context"
	"errors"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vikstrous/dataloadgen"

	"ticketing/internal/auth"
	"ticketing/query"
)

// loaders batch and remember what one response reads, and nothing longer: a subscription's next state and a mutation's next root field
// must not be answered from what was read before.
type loaders struct {
	events           *dataloadgen.Loader[string, query.Event]
	inventories      *dataloadgen.Loader[string, query.Inventory]
	reservations     *dataloadgen.Loader[string, query.Reservation]
	payments         *dataloadgen.Loader[string, query.Payment]
	paymentsOf       *dataloadgen.Loader[string, []query.Payment] // by reservation
	paymentsByRefund *dataloadgen.Loader[string, query.Payment]
	users            *dataloadgen.Loader[string, auth.User]
}

func (r *Resolver) newLoaders() *loaders {
	return &loaders{
		events:           newLoader(r.reads.Events),
		inventories:      newLoader(r.reads.Inventories),
		reservations:     newLoader(r.reads.Reservations),
		payments:         newLoader(r.reads.Payments),
		paymentsOf:       newLoader(r.reads.PaymentsByReservation),
		paymentsByRefund: newLoader(r.reads.PaymentsByRefund),
		users:            newLoader(r.people.Users),
	}
}

func newLoader[T any](fetch func(context.Context, []string) (map[string]T, error)) *dataloadgen.Loader[string, T] {
	const collect, most = time.Millisecond, 500
	return dataloadgen.NewMappedLoader(fetch, dataloadgen.WithWait(collect), dataloadgen.WithBatchCapacity(most))
}

// find answers nil for what is not there.
func find[T any](ctx context.Context, loader *dataloadgen.Loader[string, T], id string) (*T, error) {
	value, err := loader.Load(ctx, id)
	if errors.Is(err, dataloadgen.ErrNotFound) {
		return nil, nil //nolint:nilnil // nothing there is a valid answer
	}
	if err != nil {
		return nil, err
	}
	return &value, nil
}

type loadersKey struct{}

// loadersOf answers the response's loaders; without any it panics, since the functions around operations below see to it.
func loadersOf(ctx context.Context) *loaders {
	return ctx.Value(loadersKey{}).(*loaders) //nolint:forcetypeassert // a missing one is a bug that must show
}

func (r *Resolver) withLoaders(ctx context.Context) context.Context {
	return context.WithValue(ctx, loadersKey{}, r.newLoaders())
}

// aroundResponse gives every response loaders of its own.
func (r *Resolver) aroundResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	return next(r.withLoaders(ctx))
}

// aroundOperation gives loaders to what runs before the first response: the start of a subscription.
func (r *Resolver) aroundOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	return next(r.withLoaders(ctx))
}

// aroundRootField gives every mutation loaders of its own: what the one before it changed must be read again.
func (r *Resolver) aroundRootField(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	if graphql.GetOperationContext(ctx).Operation.Operation == ast.Mutation {
		ctx = r.withLoaders(ctx)
	}
	return next(ctx)
}
