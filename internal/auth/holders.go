package auth

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// Holder is the person that a ticket of a customer's reservation is for.
type Holder struct{ TicketID, ReservationID, UserID, Name string }

// NameHolder keeps the name of a ticket's holder, instead of the one given before. Errors: ErrUserNotFound when the customer was erased,
// ErrUnavailable.
func (s *Service) NameHolder(ctx context.Context, h Holder) error {
	tag, err := s.pool.Exec(ctx, `INSERT INTO ticket_holders (ticket_id, reservation_id, user_id, name)
		SELECT $1, $2, id, $4 FROM users WHERE id = $3 AND erased_at IS NULL FOR SHARE
		ON CONFLICT (ticket_id) DO UPDATE SET name = excluded.name, named_at = excluded.named_at`,
		h.TicketID, h.ReservationID, h.UserID, h.Name)
	if err != nil {
		return unavailable("name a ticket's holder", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrUserNotFound
	}
	return nil
}

// HolderNames returns the names of the holders of reservations' tickets, by reservation and ticket. Error: ErrUnavailable.
func (s *Service) HolderNames(ctx context.Context, reservationIDs []string) (map[string]map[string]string, error) {
	rows, err := s.pool.Query(ctx, "SELECT reservation_id, ticket_id, name FROM ticket_holders WHERE reservation_id = ANY($1)", reservationIDs)
	if err != nil {
		return nil, unavailable("read the names of tickets' holders", err)
	}
	names := make(map[string]map[string]string, len(reservationIDs))
	var reservationID, ticketID, name string
	_, err = pgx.ForEachRow(rows, []any{&reservationID, &ticketID, &name}, func() error {
		if names[reservationID] == nil {
			names[reservationID] = map[string]string{}
		}
		names[reservationID][ticketID] = name
		return nil
	})
	if err != nil {
		return nil, unavailable("read the names of tickets' holders", err)
	}
	return names, nil
}
