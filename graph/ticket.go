package graph

import (
	"context"
	"errors"
	"slices"

	"ticketing/command/rejection"
	"ticketing/graph/apierror"
	"ticketing/graph/model"
	"ticketing/internal/auth"
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

// Code implements generated.TicketResolver. What is void has none, so that it can't be shown by accident.
func (r ticketResolver) Code(_ context.Context, t *query.Ticket) (string, error) {
	if t.Status != "VALID" || r.signTicket == nil {
		return "", nil
	}
	return r.signTicket(t.ID, t.EventID)
}

// HolderName implements generated.TicketResolver.
func (ticketResolver) HolderName(ctx context.Context, t *query.Ticket) (*string, error) {
	names, err := loadersOf(ctx).holderNames.Load(ctx, t.ReservationID)
	if names == nil || err != nil {
		return nil, err
	}
	return nullIfEmpty((*names)[t.ID]), nil
}

// RenameTicket implements generated.MutationResolver.
func (r mutationResolver) RenameTicket(ctx context.Context, in model.RenameTicketInput) (*model.RenameTicketPayload, error) {
	var c checker
	c.checkID(id.TicketPrefix, in.TicketID, "ticketId")
	name := c.readLine(in.HolderName, longestPersonName, "holderName")
	if c.errs != nil {
		return &model.RenameTicketPayload{UserErrors: c.errs}, nil
	}
	ticket, err := r.renameTicket(ctx, in.TicketID, name)
	wrong, err := userErrors(ctx, err)
	return &model.RenameTicketPayload{Ticket: ticket, UserErrors: wrong}, err
}

// renameTicket keeps the name of a valid ticket's holder for its customer and for admins. An organizer sees it but does not change it.
func (r *Resolver) renameTicket(ctx context.Context, ticketID, name string) (*query.Ticket, error) {
	found, err := r.findTicket(ctx, ticketID)
	switch {
	case err != nil:
		return nil, err
	case found == nil:
		return nil, rejection.New(rejection.NotFound, "there is no such ticket").At("ticketId")
	case !viewerOf(ctx).Is(found.CustomerID) && !viewerOf(ctx).HasRole(auth.RoleAdmin):
		return nil, errForbidden
	case found.Status != "VALID":
		return nil, rejection.New(rejection.InvalidState, "the ticket was refunded").At("ticketId")
	}
	err = r.auth.NameHolder(ctx, auth.Holder{TicketID: found.ID, ReservationID: found.ReservationID, UserID: found.CustomerID, Name: name})
	if errors.Is(err, auth.ErrUserNotFound) {
		err = rejection.New(rejection.InvalidState, "its customer was erased").At("ticketId")
	}
	if err != nil {
		return nil, err
	}
	return found, nil
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
