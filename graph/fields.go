package graph

import (
	"context"

	"ticketing/graph/model"
	"ticketing/query"
)

// The types that lack a field of the API, or may not show it to everybody.
type (
	eventResolver        struct{ *Resolver }
	sectionResolver      struct{ *Resolver }
	reservationResolver  struct{ *Resolver }
	reservedSeatResolver struct{ *Resolver }
	paymentResolver      struct{ *Resolver }
	refundResolver       struct{ *Resolver }
	userResolver         struct{ *Resolver }
)

// InventoryVersion implements generated.EventResolver.
func (eventResolver) InventoryVersion(ctx context.Context, e *query.Event) (int, error) {
	inventory, err := inventoryOf(ctx, e)
	return int(inventory.Version), err
}

// Sections implements generated.EventResolver.
func (eventResolver) Sections(ctx context.Context, e *query.Event) ([]*query.Section, error) {
	inventory, err := inventoryOf(ctx, e)
	return pointers(inventory.Sections), err
}

// inventoryOf answers the inventory that came with the event, or what the read side knows of it.
func inventoryOf(ctx context.Context, e *query.Event) (query.Inventory, error) {
	if e.Inventory != nil {
		return *e.Inventory, nil
	}
	inventory, err := loadersOf(ctx).inventories.load(ctx, e.ID)
	if inventory == nil || err != nil {
		return query.Inventory{}, err
	}
	return *inventory, nil
}

// Seats implements generated.SectionResolver.
func (r sectionResolver) Seats(ctx context.Context, s *query.Section, first *int, after *string) (*model.SeatConnection, error) {
	page, err := r.reads.SeatPage(ctx, s.EventID, s.Name, query.PageArgs{First: first, After: after})
	if err != nil {
		return nil, err
	}
	return seatConnection(page), nil
}

// Event implements generated.ReservationResolver.
func (reservationResolver) Event(ctx context.Context, r *query.Reservation) (*query.Event, error) {
	e, err := loadersOf(ctx).events.load(ctx, r.EventID)
	if e == nil || err != nil || !seesEvent(ctx, *e) {
		return nil, err
	}
	return e, nil
}

// Customer implements generated.ReservationResolver.
func (reservationResolver) Customer(ctx context.Context, r *query.Reservation) (*model.User, error) {
	return findUser(ctx, r.CustomerID)
}

// Payments implements generated.ReservationResolver. Whoever sees a reservation sees its payments.
func (reservationResolver) Payments(ctx context.Context, r *query.Reservation) ([]*model.Payment, error) {
	found, err := loadersOf(ctx).paymentsOf.load(ctx, r.ID)
	if found == nil || err != nil {
		return nil, err
	}
	return payments(*found), nil
}

// Label implements generated.ReservedSeatResolver.
func (reservedSeatResolver) Label(_ context.Context, s *query.ReservedSeat) (*string, error) {
	return orNull(s.Label), nil
}

// Reservation implements generated.PaymentResolver. Whoever sees a payment sees its reservation.
func (paymentResolver) Reservation(ctx context.Context, p *model.Payment) (*query.Reservation, error) {
	return loadersOf(ctx).reservations.load(ctx, p.ReservationID)
}

// Reason implements generated.RefundResolver.
func (refundResolver) Reason(_ context.Context, r *query.Refund) (*string, error) {
	return orNull(r.Reason), nil
}

// Email implements generated.UserResolver.
func (userResolver) Email(ctx context.Context, u *model.User) (*string, error) {
	if !seesUser(ctx, u) {
		return nil, nil //nolint:nilnil // null for others
	}
	return orNull(u.Email), nil
}

// Roles implements generated.UserResolver.
func (userResolver) Roles(ctx context.Context, u *model.User) ([]string, error) {
	roles := []string{}
	if seesUser(ctx, u) {
		for _, role := range u.Roles {
			roles = append(roles, string(role))
		}
	}
	return roles, nil
}

// seesUser says whether the answer goes to the user himself or to an admin.
func seesUser(ctx context.Context, u *model.User) bool {
	return u.Viewer || isViewer(ctx, u.ID)
}
