package graph

import (
	"context"
	"slices"
	"strconv"

	"github.com/99designs/gqlgen/graphql"

	"ticketing/command"
	"ticketing/command/inventory"
	"ticketing/command/reservation"
	"ticketing/graph/apierror"
	"ticketing/graph/model"
	"ticketing/graph/request"
	"ticketing/internal/id"
	"ticketing/query"
)

type reservationResolver struct{ *Resolver }

// Reservation implements generated.QueryResolver.
func (r queryResolver) Reservation(ctx context.Context, reservationID string, minVersion *int) (*query.Reservation, error) {
	if err := r.requireOrderLink(ctx, reservationID); err != nil {
		return nil, err
	}
	found, err := r.reservationLookup(ctx).find(ctx, reservationID, minVersion)
	if err == nil && found == nil {
		return nil, apierror.New(apierror.NotFound, "there is no such reservation")
	}
	return found, err
}

// ReservationStatus implements generated.SubscriptionResolver.
func (r subscriptionResolver) ReservationStatus(ctx context.Context, reservationID string) (<-chan *query.Reservation, error) {
	found := r.reservationLookup(ctx)
	if slices.Contains(graphql.CollectAllFields(ctx), "payments") {
		found.feed = r.feeds.wholePurchase
	}
	return found.stream(ctx, reservationID)
}

func (r *Resolver) reservationLookup(ctx context.Context) lookup[query.Reservation] {
	return lookup[query.Reservation]{id.Reservation, loadersOf(ctx).reservations, r.feeds.reservations, func(found query.Reservation) error {
		return r.requireReader(ctx, found)
	}}
}

// Reservations implements generated.QueryResolver.
func (r queryResolver) Reservations(ctx context.Context, f *model.ReservationFilter, order *model.CreationOrder, first *int, after *string, last *int, before *string) (*model.ReservationConnection, error) {
	filter, err := reservationFilter(f)
	if err != nil {
		return nil, err
	}
	page, err := r.reads.ReservationPage(ctx, filter, query.PageArgs{First: first, After: after, Last: last, Before: before, Reversed: isOldestFirst(order)})
	loadersOf(ctx).addReservations(page.Items)
	return newConnection(page), err
}

// reservationsOf returns a page of one owner's reservations. The caller decides whether the viewer may see it.
func (r *Resolver) reservationsOf(ctx context.Context, by query.Owner, owner string, f *model.ReservationFilter, args query.PageArgs) (*model.ReservationConnection, error) {
	filter, err := reservationFilter(f)
	if err != nil {
		return nil, err
	}
	l := loadersOf(ctx)
	if owners := ownersOf(ctx, by, owner); len(owners) > 1 {
		page, err := r.reads.ReservationPageOfAll(ctx, owners, filter, args)
		l.addReservations(page.Items)
		return newConnection(page), err
	}
	fetch := func(ctx context.Context, ids []string) (map[string]query.Page[query.Reservation], error) {
		return r.reads.ReservationPagesOf(ctx, by, ids, filter, args)
	}
	page, err := loadPage(ctx, &l.reservationPages, l.ownersOf(by), owner, fetch, l.addReservations)
	return newConnection(page), err
}

func reservationFilter(f *model.ReservationFilter) (query.Filter, error) {
	if f == nil {
		return query.Filter{}, nil
	}
	if err := checkIDs(id.Event, f.EventID); err != nil {
		return query.Filter{}, err
	}
	return query.Filter{
		Status: f.Status, EventID: f.EventID, CustomerID: f.CustomerID, CreatedAfter: f.CreatedAfter, CreatedBefore: f.CreatedBefore,
	}, checkIDs(id.User, f.CustomerID)
}

// Event implements generated.ReservationResolver.
func (reservationResolver) Event(ctx context.Context, r *query.Reservation) (*query.Event, error) {
	e, err := loadersOf(ctx).events.Load(ctx, r.EventID)
	return hideDraft(ctx, e), err
}

// Customer implements generated.ReservationResolver.
func (reservationResolver) Customer(ctx context.Context, r *query.Reservation) (*model.User, error) {
	return findUser(ctx, r.CustomerID)
}

// Payments implements generated.ReservationResolver. Who may see a reservation may see its payments.
func (reservationResolver) Payments(ctx context.Context, r *query.Reservation) ([]*model.Payment, error) {
	found, err := loadersOf(ctx).paymentsOf.Load(ctx, r.ID)
	if found == nil || err != nil {
		return nil, err
	}
	return convert(*found, asPayment), nil
}

// ReserveSeats implements generated.MutationResolver.
func (r mutationResolver) ReserveSeats(ctx context.Context, in model.ReserveSeatsInput) (*model.ReserveSeatsPayload, error) {
	reserve := func(ctx context.Context, by command.Caller, in command.ReserveSeats) (command.Reservation, error) {
		if err := r.checkReservationsOfIP(ctx); err != nil {
			return command.Reservation{}, err
		}
		return r.commands.ReserveSeats(ctx, by, in)
	}
	reserved, wrong, err := mutate(ctx, withKey(in.IdempotencyKey), reserveSeatsForm(in), reserve)
	return &model.ReserveSeatsPayload{Reservation: reservationView(reserved), UserErrors: wrong}, err
}

// checkReservationsOfIP counts against the limits of the client's IP address and network: many accounts must not hold a hall for nothing.
// Tickets are not counted: a few requests for many would use up what the others of an address may reserve. This machine's own addresses are
// not counted, since behind them may be a proxy that is not trusted.
func (r *Resolver) checkReservationsOfIP(ctx context.Context) error {
	if request.From(ctx).ClientIP.IsLoopback() {
		return nil
	}
	return r.checkNetwork(ctx, "reservations", r.limits.Reservations)
}

func reserveSeatsForm(in model.ReserveSeatsInput) form[command.ReserveSeats] {
	var c checker
	c.checkID(id.Event, in.EventID, "eventId")
	if len(in.Items) == 0 || len(in.Items) > inventory.MostItems {
		c.addError([]string{"items"}, "items must have 1 to %d elements", inventory.MostItems)
		return form[command.ReserveSeats]{errs: c.errs}
	}
	items := make([]inventory.ReserveItem, len(in.Items))
	for i, item := range in.Items {
		items[i] = c.reserveItem(item, "items", strconv.Itoa(i))
	}
	return form[command.ReserveSeats]{command.ReserveSeats{EventID: in.EventID, Items: items}, c.errs}
}

func (c *checker) reserveItem(in *model.ReserveItemInput, path ...string) inventory.ReserveItem {
	at := func(names ...string) []string { return append(append([]string{}, path...), names...) }
	c.checkLine(in.Section, inventory.LongestSectionName, at("section")...)
	if in.Quantity != nil && *in.Quantity < 1 {
		c.addError(at("quantity"), "quantity must be at least 1")
	}
	if (in.Quantity == nil) == (len(in.Seats) == 0) {
		c.addError(path, "give either quantity (best available) or seats")
	}
	if len(in.Seats) > inventory.MostLabels {
		c.addError(at("seats"), "seats must have at most %d elements", inventory.MostLabels)
		return inventory.ReserveItem{}
	}
	for i, label := range in.Seats {
		c.checkLine(label, inventory.LongestLabel, at("seats", strconv.Itoa(i))...)
	}
	return inventory.ReserveItem{Section: in.Section, Quantity: in.Quantity, Labels: in.Seats}
}

// CancelReservation implements generated.MutationResolver.
func (r mutationResolver) CancelReservation(ctx context.Context, in model.CancelReservationInput) (*model.CancelReservationPayload, error) {
	cancelled, wrong, err := mutate(ctx, withKey(in.IdempotencyKey), cancelReservationForm(in), r.commands.CancelReservation)
	return &model.CancelReservationPayload{Reservation: reservationView(cancelled), UserErrors: wrong}, err
}

func cancelReservationForm(in model.CancelReservationInput) form[command.CancelReservation] {
	var c checker
	c.checkID(id.Reservation, in.ReservationID, "reservationId")
	reason := textOf(c.readText(in.Reason, reservation.LongestReason, "reason"))
	return form[command.CancelReservation]{command.CancelReservation{ReservationID: in.ReservationID, Reason: reason}, c.errs}
}

// reservationView returns what a mutation decided as the read side will have it in a moment; nil when nothing was decided.
func reservationView(r command.Reservation) *query.Reservation {
	if r.ID == "" {
		return nil
	}
	view := &query.Reservation{
		ID: r.ID, Version: r.Version, EventID: r.EventID, CustomerID: r.CustomerID, Status: string(r.Status),
		Seats: make([]query.ReservedSeat, len(r.Seats)), Total: r.Total, CreatedAt: r.CreatedAt, ExpiresAt: r.ExpiresAt,
		CompletedAt: r.CompletedAt, ExpiredAt: r.ExpiredAt, CancelledAt: r.CancelledAt, CompensatedAt: r.CompensatedAt,
		RefundedAt: r.RefundedAt,
	}
	for i, s := range r.Seats {
		view.Seats[i] = query.ReservedSeat{Section: s.Section, Label: s.Label, Price: s.Price, Void: r.HasReturned(i)}
	}
	return view
}
