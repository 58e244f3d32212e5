package graph

import (
	"context"

	"ticketing/graph/apierror"
	"ticketing/graph/model"
	"ticketing/internal/auth"
	"ticketing/internal/id"
	"ticketing/query"
)

// Events implements generated.QueryResolver.
func (r queryResolver) Events(ctx context.Context, f *model.EventFilter, first *int, after *string, last *int, before *string) (*model.EventConnection, error) {
	viewer, _ := auth.FromContext(ctx)
	filter := query.EventFilter{All: viewer.HasRole(auth.RoleAdmin)}
	if viewer.HasRole(auth.RoleOrganizer) {
		filter.Viewer = viewer.UserID // whose drafts are in the list
	}
	if f != nil {
		filter.Status, filter.OrganizerID, filter.Search = f.Status, f.OrganizerID, f.Search
		filter.StartsAfter, filter.StartsBefore = f.StartsAfter, f.StartsBefore
		if err := firstError(checkSearch(f.Search), checkOptionalID(id.User, f.OrganizerID)); err != nil {
			return nil, err
		}
	}
	page, err := r.reads.EventPage(ctx, filter, query.PageArgs{First: first, After: after, Last: last, Before: before})
	if err != nil {
		return nil, err
	}
	loadersOf(ctx).sawEvents(page.Items)
	return eventConnection(page), nil
}

// Reservations implements generated.QueryResolver.
func (r queryResolver) Reservations(ctx context.Context, f *model.ReservationFilter, first *int, after *string, last *int, before *string) (*model.ReservationConnection, error) {
	filter, err := reservationFilter(f)
	if err != nil {
		return nil, err
	}
	page, err := r.reads.ReservationPage(ctx, filter, query.PageArgs{First: first, After: after, Last: last, Before: before})
	if err != nil {
		return nil, err
	}
	loadersOf(ctx).sawReservations(page.Items)
	return reservationConnection(page), nil
}

// Payments implements generated.QueryResolver.
func (r queryResolver) Payments(ctx context.Context, f *model.PaymentFilter, first *int, after *string, last *int, before *string) (*model.PaymentConnection, error) {
	filter, err := paymentFilter(f)
	if err != nil {
		return nil, err
	}
	page, err := r.reads.PaymentPage(ctx, filter, query.PageArgs{First: first, After: after, Last: last, Before: before})
	if err != nil {
		return nil, err
	}
	loadersOf(ctx).sawPayments(page.Items)
	return paymentConnection(page), nil
}

// Reservations implements generated.EventResolver.
func (r eventResolver) Reservations(ctx context.Context, e *query.Event, f *model.ReservationFilter, first *int, after *string, last *int, before *string) (*model.ReservationConnection, error) {
	if err := seesSalesOf(ctx, *e); err != nil {
		return nil, err
	}
	return r.reservationsOf(ctx, query.OfEvents, e.ID, f, query.PageArgs{First: first, After: after, Last: last, Before: before})
}

// Payments implements generated.EventResolver.
func (r eventResolver) Payments(ctx context.Context, e *query.Event, f *model.PaymentFilter, first *int, after *string, last *int, before *string) (*model.PaymentConnection, error) {
	if err := seesSalesOf(ctx, *e); err != nil {
		return nil, err
	}
	return r.paymentsOf(ctx, query.OfEvents, e.ID, f, query.PageArgs{First: first, After: after, Last: last, Before: before})
}

// Reservations implements generated.UserResolver.
func (r userResolver) Reservations(ctx context.Context, u *model.User, f *model.ReservationFilter, first *int, after *string, last *int, before *string) (*model.ReservationConnection, error) {
	if !seesUser(ctx, u) {
		return nil, errForbidden
	}
	return r.reservationsOf(ctx, query.OfCustomers, u.ID, f, query.PageArgs{First: first, After: after, Last: last, Before: before})
}

// Payments implements generated.UserResolver.
func (r userResolver) Payments(ctx context.Context, u *model.User, f *model.PaymentFilter, first *int, after *string, last *int, before *string) (*model.PaymentConnection, error) {
	if !seesUser(ctx, u) {
		return nil, errForbidden
	}
	return r.paymentsOf(ctx, query.OfCustomers, u.ID, f, query.PageArgs{First: first, After: after, Last: last, Before: before})
}

// reservationsOf answers a page of what one owner has; whether the viewer may see it is the caller's to know.
func (r *Resolver) reservationsOf(ctx context.Context, by query.Owner, owner string, f *model.ReservationFilter, args query.PageArgs) (*model.ReservationConnection, error) {
	filter, err := reservationFilter(f)
	if err != nil {
		return nil, err
	}
	l := loadersOf(ctx)
	fetch := func(ctx context.Context, ids []string) (map[string]query.Page[query.Reservation], error) {
		return r.reads.ReservationPagesOf(ctx, by, ids, filter, args)
	}
	page, err := l.reservationPages.load(ctx, owner, l.owners(by), fetch, l.sawReservations)
	if err != nil {
		return nil, err
	}
	return reservationConnection(page), nil
}

// paymentsOf is reservationsOf for payments.
func (r *Resolver) paymentsOf(ctx context.Context, by query.Owner, owner string, f *model.PaymentFilter, args query.PageArgs) (*model.PaymentConnection, error) {
	filter, err := paymentFilter(f)
	if err != nil {
		return nil, err
	}
	l := loadersOf(ctx)
	fetch := func(ctx context.Context, ids []string) (map[string]query.Page[query.Payment], error) {
		return r.reads.PaymentPagesOf(ctx, by, ids, filter, args)
	}
	page, err := l.paymentPages.load(ctx, owner, l.owners(by), fetch, l.sawPayments)
	if err != nil {
		return nil, err
	}
	return paymentConnection(page), nil
}

// owners answers which lists are read together.
func (l *loaders) owners(by query.Owner) *siblings {
	if by == query.OfEvents {
		return &l.together.events
	}
	return &l.together.users
}

func reservationFilter(f *model.ReservationFilter) (query.Filter, error) {
	if f == nil {
		return query.Filter{}, nil
	}
	return query.Filter{
		Status: f.Status, EventID: f.EventID, CustomerID: f.CustomerID, CreatedAfter: f.CreatedAfter, CreatedBefore: f.CreatedBefore,
	}, firstError(checkOptionalID(id.Event, f.EventID), checkOptionalID(id.User, f.CustomerID))
}

func paymentFilter(f *model.PaymentFilter) (query.PaymentFilter, error) {
	if f == nil {
		return query.PaymentFilter{}, nil
	}
	filter, err := reservationFilter(&model.ReservationFilter{
		Status: f.Status, EventID: f.EventID, CustomerID: f.CustomerID, CreatedAfter: f.CreatedAfter, CreatedBefore: f.CreatedBefore,
	})
	return query.PaymentFilter{Filter: filter, Gateway: f.Gateway}, firstError(err, checkGateway(f.Gateway))
}

func checkGateway(gateway *string) error {
	const longest = 40
	if gateway != nil && (len(*gateway) > longest || !isText(*gateway, "")) {
		return apierror.New(apierror.BadUserInput, "gateway must be text of at most %d characters", longest)
	}
	return nil
}

func checkOptionalID(prefix string, value *string) error {
	if value == nil {
		return nil
	}
	return checkID(prefix, *value)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
