// Package reservations projects reservations: which customer has which seats, and until when.
package reservations

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"ticketing/command/reservation"
	"ticketing/internal/announce"
	"ticketing/internal/id"
	"ticketing/projector/db"
	"ticketing/projector/projection"
)

// Projection keeps the table reservations.
type Projection struct{}

// Name implements projection.Projection.
func (Projection) Name() string { return "reservations" }

// Categories implements projection.Projection.
func (Projection) Categories() []string { return []string{reservation.Category} }

// Tables implements projection.Projection.
func (Projection) Tables() []string { return []string{"reservations"} }

// Apply implements projection.Projection.
func (Projection) Apply(ctx context.Context, tx pgx.Tx, batch []projection.Record) ([]announce.Change, error) {
	q := db.New(tx)
	loaded, err := q.LoadReservations(ctx, projection.AggregateIDs(batch))
	if err != nil {
		return nil, fmt.Errorf("load reservations: %w", err)
	}
	changed, err := projection.Fold(batch, projection.Column(loaded, func(l db.Reservation) Row { return Row(l) }))
	if err != nil || len(changed) == 0 {
		return nil, err
	}
	if err := q.SaveReservations(ctx, saveParams(changed)); err != nil {
		return nil, fmt.Errorf("save reservations: %w", err)
	}
	return projection.Column(changed, func(r *Row) announce.Change {
		return announce.Change{Kind: announce.Reservation, ID: r.ID, Version: r.Version}
	}), nil
}

// Row is a row of the table reservations. Seats holds a []Seat, Tickets the ids of the tickets, once there are any, Metadata a Metadata.
type Row db.Reservation

// Seat is a seat in the column seats.
type Seat struct {
	reservation.Seat

	Void bool `json:"void,omitempty"` // its ticket was returned by itself
}

// Metadata is what support asks for and no list shows.
type Metadata struct {
	CorrelationID string `json:"correlationId,omitempty"` // of the request that made the reservation
	PaymentID     string `json:"paymentId,omitempty"`     // the payment that was requested last
	AttemptsLeft  int    `json:"attemptsLeft"`            // payments that may still be declined
	Reason        string `json:"reason,omitempty"`        // why it ended, or why the last payment failed
}

// Head implements projection.Row.
func (r *Row) Head() (string, int64) { return reservation.Stream(r.ID), r.Version }

// Apply implements projection.Row.
func (r *Row) Apply(record *projection.Record) error {
	initiated, isFirst := record.Event.(reservation.ReservationInitiated)
	if isFirst != (record.Version == 1) {
		return record.Misplaced()
	}
	if isFirst {
		return r.create(record, initiated)
	}
	var m Metadata
	if err := json.Unmarshal(r.Metadata, &m); err != nil {
		return fmt.Errorf("decode metadata: %w", err)
	}
	r.Version = record.Version
	switch e := record.Event.(type) {
	case reservation.PaymentRequested:
		r.setStatus(reservation.PaymentPending)
		r.ExpiresAt, m.PaymentID, m.Reason = projection.At(e.ExpiresAt), e.PaymentID, ""
	case reservation.PaymentAttemptFailed:
		r.setStatus(reservation.SeatsReserved)
		m.AttemptsLeft, m.Reason = e.AttemptsLeft, e.Reason
	case reservation.ReservationCompleted:
		r.setStatus(reservation.Completed)
		// A payment that came after the end of the hold took the seats again: the reservation is no longer expired.
		r.CompletedAt, r.ExpiredAt, m.Reason = projection.At(e.CompletedAt), pgtype.Timestamptz{}, ""
		if err := r.issueTickets(); err != nil {
			return err
		}
	case reservation.ReservationCancelled:
		r.setStatus(reservation.Cancelled)
		r.CancelledAt, m.Reason = projection.At(e.CancelledAt), e.Reason
	case reservation.ReservationExpired:
		r.setStatus(reservation.Expired)
		r.ExpiredAt = projection.At(e.ExpiredAt)
	case reservation.ReservationCompensated:
		r.setStatus(reservation.Compensated)
		r.CompensatedAt, m.AttemptsLeft, m.Reason = projection.At(e.CompensatedAt), 0, e.Reason
	case reservation.TicketsReturned:
		if err := r.voidTickets(e.Tickets); err != nil {
			return err
		}
	case reservation.ReservationRefunded:
		r.setStatus(reservation.Refunded)
		r.RefundedAt = projection.At(e.RefundedAt)
	default:
		return record.Misplaced()
	}
	var err error
	r.Metadata, err = projection.JSON(m)
	return err
}

func (r *Row) setStatus(s reservation.Status) { r.Status = string(s) }

func (r *Row) create(record *projection.Record, e reservation.ReservationInitiated) (err error) {
	*r = Row{
		ID: record.AggregateID(), Version: 1, EventID: e.EventID, CustomerID: e.CustomerID,
		Total: e.Total.Minor, Currency: e.Total.Currency, CreatedAt: projection.At(e.CreatedAt), ExpiresAt: projection.At(e.ExpiresAt),
	}
	r.setStatus(reservation.SeatsReserved)
	r.Tickets = json.RawMessage("[]")
	seats := projection.Column(e.Seats, func(s reservation.Seat) Seat { return Seat{Seat: s} })
	if r.Seats, err = projection.JSON(seats); err != nil {
		return err
	}
	r.Metadata, err = projection.JSON(Metadata{CorrelationID: record.Metadata.CorrelationID, AttemptsLeft: e.PaymentAttempts})
	return err
}

func (r *Row) decodeSeats() (seats []Seat, err error) {
	if err := json.Unmarshal(r.Seats, &seats); err != nil {
		return nil, fmt.Errorf("decode seats: %w", err)
	}
	return seats, nil
}

func (r *Row) issueTickets() error {
	seats, err := r.decodeSeats()
	if err != nil {
		return err
	}
	r.Tickets, err = TicketIDs(r.ID, len(seats))
	return err
}

// TicketIDs returns the value of the column tickets of a reservation with so many seats.
func TicketIDs(reservationID string, seats int) (json.RawMessage, error) {
	ids := make([]string, seats)
	for ordinal := range ids {
		ids[ordinal] = id.Ticket(reservationID, ordinal)
	}
	return projection.JSON(ids)
}

func (r *Row) voidTickets(tickets []reservation.Ticket) error {
	seats, err := r.decodeSeats()
	if err != nil {
		return err
	}
	for _, t := range tickets {
		if t.Ordinal < 0 || t.Ordinal >= len(seats) {
			return fmt.Errorf("ticket %d is returned of %d", t.Ordinal, len(seats))
		}
		seats[t.Ordinal].Void = true
	}
	r.Seats, err = projection.JSON(seats)
	return err
}

func saveParams(rows []*Row) db.SaveReservationsParams {
	return db.SaveReservationsParams{
		Ids:            projection.Column(rows, func(r *Row) string { return r.ID }),
		Versions:       projection.Column(rows, func(r *Row) int64 { return r.Version }),
		EventIds:       projection.Column(rows, func(r *Row) string { return r.EventID }),
		CustomerIds:    projection.Column(rows, func(r *Row) string { return r.CustomerID }),
		Statuses:       projection.Column(rows, func(r *Row) string { return r.Status }),
		Seats:          projection.Column(rows, func(r *Row) string { return string(r.Seats) }),
		Tickets:        projection.Column(rows, func(r *Row) string { return string(r.Tickets) }),
		Totals:         projection.Column(rows, func(r *Row) int64 { return r.Total }),
		Currencies:     projection.Column(rows, func(r *Row) string { return r.Currency }),
		CreatedAts:     projection.Column(rows, func(r *Row) pgtype.Timestamptz { return r.CreatedAt }),
		ExpiresAts:     projection.Column(rows, func(r *Row) pgtype.Timestamptz { return r.ExpiresAt }),
		CompletedAts:   projection.Column(rows, func(r *Row) pgtype.Timestamptz { return r.CompletedAt }),
		ExpiredAts:     projection.Column(rows, func(r *Row) pgtype.Timestamptz { return r.ExpiredAt }),
		CancelledAts:   projection.Column(rows, func(r *Row) pgtype.Timestamptz { return r.CancelledAt }),
		CompensatedAts: projection.Column(rows, func(r *Row) pgtype.Timestamptz { return r.CompensatedAt }),
		RefundedAts:    projection.Column(rows, func(r *Row) pgtype.Timestamptz { return r.RefundedAt }),
		Metadata:       projection.Column(rows, func(r *Row) string { return string(r.Metadata) }),
	}
}
