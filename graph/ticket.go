package graph

import (
	"context"
	"slices"

	"ticketing/graph/apierror"
	"ticketing/internal/id"
	"ticketing/query"
)

type ticketResolver struct{ *Resolver }

// Ticket implements generated.QueryResolver.
func (r queryResolver) Ticket(ctx context.Context, ticketID string) (*query.Ticket, error) {
	if err := checkID(id.TicketPrefix, ticketID); err != nil {
		return nil, err
	}
	found, err := r.findTicket(ctx, ticketID)
	if err == nil && found == nil {
		err = apierror.New(apierror.NotFound, "there is no such ticket")
	}
	return found, err
}

// findTicket returns a ticket to those who may see its reservation, and nil when there is no such ticket. One that the read side does not know
// exists only if the reservations become as new as the log first.
func (r *Resolver) findTicket(ctx context.Context, ticketID string) (*query.Ticket, error) {
	found, err := loadersOf(ctx).byTicket.Load(ctx, ticketID)
	if err == nil && found == nil {
		found, err = findNew(ctx, r, "reservations", ticketID, r.reads.ReservationsByTicket)
	}
	if err != nil || found == nil {
		return nil, err
	}
	tickets := found.Tickets()
	i := slices.IndexFunc(tickets, func(t query.Ticket) bool { return t.ID == ticketID })
	if i < 0 {
		return nil, nil //nolint:nilnil // null for what does not exist
	}
	return &tickets[i], requireParticipant(ctx, found.CustomerID, found.EventID)
}

// Label implements generated.TicketResolver.
func (ticketResolver) Label(_ context.Context, t *query.Ticket) (*string, error) {
	return nullIfEmpty(t.Label), nil
}

// Code implements generated.TicketResolver. What is void has none, so that it can't be shown by accident.
func (r ticketResolver) Code(_ context.Context, t *query.Ticket) (string, error) {
	if t.Status != "VALID" || r.signTicket == nil {
		return "", nil
	}
	return r.signTicket(t.ID, t.EventID)
}

// HolderName implements generated.TicketResolver. Tickets are issued without a name.
func (ticketResolver) HolderName(context.Context, *query.Ticket) (*string, error) {
	return nil, nil //nolint:nilnil // null
}

// Tickets implements generated.ReservationResolver.
func (reservationResolver) Tickets(_ context.Context, r *query.Reservation) ([]*query.Ticket, error) {
	tickets := r.Tickets()
	pointers := make([]*query.Ticket, len(tickets))
	for i := range tickets {
		pointers[i] = &tickets[i]
	}
	return pointers, nil
}
