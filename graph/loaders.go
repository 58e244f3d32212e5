package graph

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"go.opentelemetry.io/otel/trace"

	"ticketing/graph/apierror"
	"ticketing/graph/limits"
	"ticketing/graph/loader"
	"ticketing/internal/auth"
	"ticketing/internal/id"
	"ticketing/internal/telemetry"
	"ticketing/query"
)

// loaders batch and remember what one response reads. They live no longer: the next state of a subscription and the next root field of a
// mutation must not be served from what was read before.
type loaders struct {
	events           *loader.Loader[query.Event]
	inventories      *loader.Loader[query.Inventory]
	seatMaps         *loader.Loader[query.SeatMap] // by section
	reservations     *loader.Loader[query.Reservation]
	byTicket         *loader.Loader[query.Reservation]
	payments         *loader.Loader[query.Payment]
	paymentsOf       *loader.Loader[[]query.Payment] // by reservation
	paymentsByRefund *loader.Loader[query.Payment]
	byDispute        *loader.Loader[query.Payment]
	users            *loader.Loader[auth.User]
	customers        *loader.Loader[query.Customer]
	spend            *loader.Loader[[]query.Spend] // by customer
	texts            *loader.Loader[string]
	holderNames      *loader.Loader[map[string]string] // by reservation, and then by ticket

	seatPages        loader.ByField[query.Page[query.Seat]] // by section
	reservationPages loader.ByField[query.Page[query.Reservation]]
	paymentPages     loader.ByField[query.Page[query.Payment]]
	historyPages     loader.ByField[query.Page[query.HistoryEntry]]

	timeout       time.Duration // of one read
	metrics       *metrics
	loggedVersion func(ctx context.Context, stream string) (int64, error)

	mu              sync.Mutex
	inventoriesRead []query.Inventory // whose sections are not listed yet

	siblings struct{ events, sections, reservations, tickets, payments, refunds, disputes, users, texts loader.Siblings }
}

func (r *Resolver) newLoaders() *loaders {
	l := &loaders{timeout: r.queryTimeout, metrics: r.metrics, loggedVersion: r.loggedVersion}
	s := &l.siblings
	l.events = loader.New(&s.events, loader.Within(r.queryTimeout, r.reads.Events), nil)
	l.inventories = loader.New(&s.events, loader.Within(r.queryTimeout, r.reads.Inventories), l.addInventories)
	l.seatMaps = loader.New(&s.sections, loader.Within(r.queryTimeout, r.reads.SeatMaps), nil)
	l.reservations = loader.New(&s.reservations, loader.Within(r.queryTimeout, r.reads.Reservations), l.addReservations)
	l.byTicket = loader.New(&s.tickets, loader.Within(r.queryTimeout, r.reads.ReservationsByTicket), l.addReservations)
	l.payments = loader.New(&s.payments, loader.Within(r.queryTimeout, r.reads.Payments), l.addPayments)
	l.paymentsOf = loader.New(&s.reservations, loader.Within(r.queryTimeout, r.reads.PaymentsByReservation), nil)
	l.paymentsByRefund = loader.New(&s.refunds, loader.Within(r.queryTimeout, r.reads.PaymentsByRefund), l.addPayments)
	l.byDispute = loader.New(&s.disputes, loader.Within(r.queryTimeout, r.reads.PaymentsByDispute), l.addPayments)
	l.users = loader.New(&s.users, loader.Within(r.queryTimeout, r.auth.Users), nil)
	l.customers = loader.New(&s.users, loader.Within(r.queryTimeout, r.reads.Customers), nil)
	l.texts = loader.New(&s.texts, loader.Within(r.queryTimeout, r.auth.ReadTexts), nil)
	l.holderNames = loader.New(&s.reservations, loader.Within(r.queryTimeout, r.auth.HolderNames), nil)
	l.spend = loader.New(&s.users, loader.Within(r.queryTimeout, r.reads.SpendOf), nil)
	return l
}

// The add functions note that objects, and what they refer to, came in one list. They are called before any element is resolved.

func (l *loaders) addEvents(events []query.Event) {
	l.siblings.events.Add(loader.IDs(events, func(e query.Event) string { return e.ID }))
}

// addInventories remembers the sections of events that came in one list.
func (l *loaders) addInventories(inventories []query.Inventory) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inventoriesRead = append(l.inventoriesRead, inventories...)
}

// listSections notes that the sections of an event, and of all events that came with it, are listed.
func (l *loaders) listSections(of query.Inventory) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var keys []string
	for _, inventory := range append(l.inventoriesRead, of) {
		for _, section := range inventory.Sections {
			if section.Seated {
				keys = append(keys, section.Key())
			}
		}
	}
	slices.Sort(keys)
	l.siblings.sections.Add(slices.Compact(keys))
	l.inventoriesRead = nil
}

func (l *loaders) addReservations(reservations []query.Reservation) {
	l.siblings.reservations.Add(loader.IDs(reservations, func(r query.Reservation) string { return r.ID }))
	l.siblings.events.Add(loader.IDs(reservations, func(r query.Reservation) string { return r.EventID }))
	l.siblings.users.Add(loader.IDs(reservations, func(r query.Reservation) string { return r.CustomerID }))
}

func (l *loaders) addPayments(payments []query.Payment) {
	l.siblings.payments.Add(loader.IDs(payments, func(p query.Payment) string { return p.ID }))
	l.siblings.reservations.Add(loader.IDs(payments, func(p query.Payment) string { return p.ReservationID }))
	l.siblings.events.Add(loader.IDs(payments, func(p query.Payment) string { return p.EventID }))
	var refunds []query.Refund
	for _, p := range payments {
		refunds = append(refunds, p.Refunds...)
	}
	l.siblings.texts.Add(loader.IDs(refunds, func(r query.Refund) string { return r.Reason }))
}

func (l *loaders) addCustomers(customers []query.Customer) {
	l.siblings.users.Add(loader.IDs(customers, func(c query.Customer) string { return c.UserID }))
}

func (l *loaders) addHistory(entries []query.HistoryEntry) {
	l.siblings.events.Add(loader.IDs(entries, func(e query.HistoryEntry) string { return e.EventID }))
}

func (l *loaders) addSections(sections []query.SectionSales) {
	l.siblings.events.Add(loader.IDs(sections, func(s query.SectionSales) string { return s.EventID }))
}

// addRootFields notes the objects that the operation names: they are read together, as those of a list are.
func (l *loaders) addRootFields(oc *graphql.OperationContext) {
	fields := graphql.CollectFields(oc, oc.Operation.SelectionSet, []string{"Query"})
	if len(fields) < 2 { // one has no siblings
		return
	}
	byPrefix := map[string][]string{}
	for _, field := range fields {
		if named, ok := field.ArgumentMap(oc.Variables)["id"].(string); ok {
			prefix := id.Prefix(named)
			byPrefix[prefix] = append(byPrefix[prefix], named)
		}
	}
	l.siblings.events.Add(byPrefix[id.Event])
	l.siblings.reservations.Add(byPrefix[id.Reservation])
	l.siblings.tickets.Add(byPrefix[id.TicketPrefix])
	l.siblings.payments.Add(byPrefix[id.Payment])
	l.siblings.refunds.Add(byPrefix[id.Refund])
	l.siblings.disputes.Add(byPrefix[id.Dispute])
	l.siblings.users.Add(byPrefix[id.User])
}

// ownersOf returns the siblings whose lists are read together.
func (l *loaders) ownersOf(by query.Owner) *loader.Siblings {
	if by == query.OfEvents {
		return &l.siblings.events
	}
	return &l.siblings.users
}

// loadPage returns one owner's page of a list. It reads the page for all siblings of the owner, with the fetch of the field's first call.
func loadPage[T any](ctx context.Context, pages *loader.ByField[query.Page[T]], owners *loader.Siblings, owner string, fetch loader.Fetch[query.Page[T]], onRead func([]T)) (query.Page[T], error) {
	page, err := pages.Of(graphql.GetFieldContext(ctx).Field.Field, func() *loader.Loader[query.Page[T]] {
		return loader.New(owners, loader.Within(loadersOf(ctx).timeout, fetch), func(read []query.Page[T]) {
			var all []T
			for _, page := range read {
				all = append(all, page.Items...)
			}
			onRead(all)
		})
	}).Load(ctx, owner)
	if page == nil || err != nil {
		return query.Page[T]{}, err
	}
	return *page, nil
}

type loadersKey struct{}

// loadersOf returns the loaders of the response. Without any it panics: the functions below put them there.
func loadersOf(ctx context.Context) *loaders {
	return ctx.Value(loadersKey{}).(*loaders) //nolint:forcetypeassert // a missing one is a bug that must show
}

func (r *Resolver) withLoaders(ctx context.Context) context.Context {
	return context.WithValue(ctx, loadersKey{}, r.newLoaders())
}

// aroundOperation gives loaders to the start of a subscription, which runs before its first response.
func (r *Resolver) aroundOperation(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	oc := graphql.GetOperationContext(ctx)
	if oc.Operation.Operation != ast.Subscription {
		return next(ctx)
	}
	err := requireRootField(oc)
	if err == nil {
		err = r.admission.chargeAhead(ctx, oc)
	}
	if err == nil {
		err = r.awaitToken(ctx, oc)
	}
	if err != nil {
		return graphql.OneShot(refuseOperation(err))
	}
	return next(withSubscription(r.withLoaders(r.admission.withClient(ctx))))
}

// requireRootField refuses a subscription whose only field is left out by a directive: there would be nothing to follow.
func requireRootField(oc *graphql.OperationContext) error {
	if len(graphql.CollectFields(oc, oc.Operation.SelectionSet, []string{"Subscription"})) == 0 {
		return apierror.New(apierror.ValidationFailed, "a subscription needs its field: @skip and @include may not leave it out")
	}
	return nil
}

// aroundResponse gives loaders to each response, and bounds what it costs. What was refused before it was executed has no cost.
func (r *Resolver) aroundResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	oc := graphql.GetOperationContext(ctx)
	if oc.Operation == nil || limits.CostOf(oc) == (limits.Cost{}) {
		return next(ctx)
	}
	ctx = r.admission.withClient(ctx)
	switch oc.Operation.Operation {
	case ast.Mutation:
		return r.respondToMutation(ctx, oc, next)
	case ast.Subscription:
		return r.respondToSubscription(ctx, oc, next)
	default:
		return r.respondToQuery(ctx, oc, next)
	}
}

func (r *Resolver) respondToQuery(ctx context.Context, oc *graphql.OperationContext, next graphql.ResponseHandler) *graphql.Response {
	ctx, cancel := context.WithTimeout(r.withLoaders(ctx), r.queryTimeout)
	defer cancel()
	leave := func() {}
	err := r.admission.chargeAhead(ctx, oc)
	if err == nil {
		err = r.awaitToken(ctx, oc)
	}
	if err == nil {
		leave, err = r.admission.enterLane(ctx, oc)
	}
	if err != nil {
		return refuseOperation(err)
	}
	defer leave()
	loadersOf(ctx).addRootFields(oc)
	return r.admission.chargeResponse(ctx, oc, next(ctx), limits.CostOf(oc).Requested)
}

// respondToMutation charges what a mutation reads, but never refuses it for that: mutations have a limit of their own, and who has read too
// much can still buy.
func (r *Resolver) respondToMutation(ctx context.Context, oc *graphql.OperationContext, next graphql.ResponseHandler) *graphql.Response {
	ctx, cancel := context.WithTimeout(ctx, r.mutationTimeout)
	defer cancel()
	response := next(ctx)
	r.addToken(ctx, response)
	return r.admission.chargeResponse(ctx, oc, response, 0)
}

// respondToSubscription waits for the next state and responds with it. A state that could not be read completely comes again.
func (r *Resolver) respondToSubscription(ctx context.Context, oc *graphql.OperationContext, next graphql.ResponseHandler) *graphql.Response {
	r.admission.awaitBalance(ctx)
	subscriptionOf(ctx).awaitState(ctx)
	leave, err := r.admission.enterLane(ctx, oc)
	if err != nil {
		return next(ctx) // the client has left: the stream ends
	}
	defer leave()
	response := next(withSubscribedField(r.withLoaders(ctx), oc))
	if response == nil && ctx.Err() == nil { // a stream ends with its client, unless it has panicked
		return &graphql.Response{Errors: gqlerror.List{apierror.From(errPanicked).PresentTo(ctx)}}
	}
	if isUnavailable(response) {
		subscriptionOf(ctx).sendAgain()
	}
	return r.admission.chargeResponse(ctx, oc, response, 0)
}

// withSubscribedField has the paths of a subscription's errors begin with its root field: gqlgen resolves the states outside of it.
func withSubscribedField(ctx context.Context, oc *graphql.OperationContext) context.Context {
	fields := graphql.CollectFields(oc, oc.Operation.SelectionSet, []string{"Subscription"})
	if len(fields) != 1 {
		return ctx
	}
	return graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "Subscription", Field: fields[0]})
}

// aroundRootField gives loaders to each root field of a mutation: what the field before it changed must be read again. Each root field has a span.
func (r *Resolver) aroundRootField(ctx context.Context, next graphql.RootResolver) graphql.Marshaler {
	if telemetry.IsSampled(ctx) {
		var span trace.Span
		ctx, span = telemetry.StartSpan(ctx, "resolve "+graphql.GetRootFieldContext(ctx).Field.Name)
		defer span.End()
	}
	if graphql.GetOperationContext(ctx).Operation.Operation == ast.Mutation {
		ctx = r.withLoaders(ctx)
	}
	return next(ctx)
}
