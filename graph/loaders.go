package graph

import (
	"context"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"ticketing/internal/auth"
	"ticketing/internal/id"
	"ticketing/query"
)

// loaders batch and remember what one response reads, and nothing longer: a subscription's next state and a mutation's next root field
// must not be answered from what was read before.
type loaders struct {
	events           loader[query.Event]
	inventories      loader[query.Inventory]
	reservations     loader[query.Reservation]
	payments         loader[query.Payment]
	paymentsOf       loader[[]query.Payment] // by reservation
	paymentsByRefund loader[query.Payment]
	users            loader[auth.User]
	reservationPages pages[query.Reservation]
	paymentPages     pages[query.Payment]
	customers        loader[query.Customer]
	spend            loader[[]query.Spend] // by customer
	historyPages     pages[query.HistoryEntry]

	together struct{ events, reservations, payments, refunds, users siblings }
}

func (r *Resolver) newLoaders() *loaders {
	l := &loaders{}
	t := &l.together
	l.events = loader[query.Event]{fetch: r.reads.Events, siblings: &t.events}
	l.inventories = loader[query.Inventory]{fetch: r.reads.Inventories, siblings: &t.events}
	l.reservations = loader[query.Reservation]{fetch: r.reads.Reservations, siblings: &t.reservations, found: l.sawReservations}
	l.payments = loader[query.Payment]{fetch: r.reads.Payments, siblings: &t.payments, found: l.sawPayments}
	l.paymentsOf = loader[[]query.Payment]{fetch: r.reads.PaymentsByReservation, siblings: &t.reservations}
	l.paymentsByRefund = loader[query.Payment]{fetch: r.reads.PaymentsByRefund, siblings: &t.refunds, found: l.sawPayments}
	l.users = loader[auth.User]{fetch: r.people.Users, siblings: &t.users}
	l.customers = loader[query.Customer]{fetch: r.reads.Customers, siblings: &t.users}
	l.spend = loader[[]query.Spend]{fetch: r.reads.SpendOf, siblings: &t.users}
	return l
}

// sawEvents is told of every list of events before its elements are.
func (l *loaders) sawEvents(events []query.Event) {
	l.together.events.add(each(events, func(e query.Event) string { return e.ID }))
}

// sawReservations is sawEvents for reservations: what is asked of their events, say, is asked of all of those.
func (l *loaders) sawReservations(reservations []query.Reservation) {
	l.together.reservations.add(each(reservations, func(r query.Reservation) string { return r.ID }))
	l.together.events.add(each(reservations, func(r query.Reservation) string { return r.EventID }))
	l.together.users.add(each(reservations, func(r query.Reservation) string { return r.CustomerID }))
}

// sawPayments is sawEvents for payments.
func (l *loaders) sawPayments(payments []query.Payment) {
	l.together.payments.add(each(payments, func(p query.Payment) string { return p.ID }))
	l.together.reservations.add(each(payments, func(p query.Payment) string { return p.ReservationID }))
	l.together.events.add(each(payments, func(p query.Payment) string { return p.EventID }))
}

// sawCustomers is sawEvents for customers.
func (l *loaders) sawCustomers(customers []query.Customer) {
	l.together.users.add(each(customers, func(c query.Customer) string { return c.ID }))
}

// sawHistory is sawEvents for what customers did.
func (l *loaders) sawHistory(entries []query.HistoryEntry) {
	l.together.events.add(each(entries, func(e query.HistoryEntry) string { return e.EventID }))
}

// sawSections is sawEvents for sections of several events.
func (l *loaders) sawSections(sections []query.SectionSales) {
	l.together.events.add(each(sections, func(s query.SectionSales) string { return s.EventID }))
}

// pages read pages of the lists that objects have. A field of the operation asks for the same page of each of its objects.
type pages[T any] struct {
	mu      sync.Mutex
	byField map[*ast.Field]*loader[query.Page[T]]
}

// load answers the page of one owner, and reads it for all siblings with the fetch of the first.
func (p *pages[T]) load(ctx context.Context, owner string, owners *siblings, fetch fetch[query.Page[T]], saw func([]T)) (query.Page[T], error) {
	field := graphql.GetFieldContext(ctx).Field.Field
	p.mu.Lock()
	if p.byField == nil {
		p.byField = map[*ast.Field]*loader[query.Page[T]]{}
	}
	l := p.byField[field]
	if l == nil {
		l = &loader[query.Page[T]]{fetch: fetch, siblings: owners, found: func(read []query.Page[T]) {
			var all []T
			for _, page := range read {
				all = append(all, page.Items...)
			}
			saw(all)
		}}
		p.byField[field] = l
	}
	p.mu.Unlock()
	page, err := l.load(ctx, owner)
	if page == nil || err != nil {
		return query.Page[T]{}, err
	}
	return *page, nil
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
	ctx = r.withLoaders(ctx)
	if oc := graphql.GetOperationContext(ctx); oc.Operation != nil && oc.Operation.Operation == ast.Query {
		loadersOf(ctx).sawRootFields(oc)
	}
	return next(ctx)
}

// sawRootFields is told of the objects that the operation names, which are read together as those of a list are.
func (l *loaders) sawRootFields(oc *graphql.OperationContext) {
	byPrefix := map[string][]string{}
	for _, field := range graphql.CollectFields(oc, oc.Operation.SelectionSet, []string{"Query"}) {
		if named, ok := field.ArgumentMap(oc.Variables)["id"].(string); ok {
			prefix := id.Prefix(named)
			byPrefix[prefix] = append(byPrefix[prefix], named)
		}
	}
	l.together.events.add(byPrefix[id.Event])
	l.together.reservations.add(byPrefix[id.Reservation])
	l.together.payments.add(byPrefix[id.Payment])
	l.together.refunds.add(byPrefix[id.Refund])
	l.together.users.add(byPrefix[id.User])
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
