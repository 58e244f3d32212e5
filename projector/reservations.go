package projector

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"ticketing/command/reservation"
	"ticketing/internal/announce"
	"ticketing/projector/db"
)

// reservations keeps who holds or has bought what.
type reservations struct{}

func (reservations) Name() string         { return "reservations" }
func (reservations) Categories() []string { return []string{reservation.Category} }
func (reservations) Tables() []string     { return []string{"reservations"} }

func (reservations) Apply(ctx context.Context, tx pgx.Tx, batch []Record) ([]announce.Change, error) {
	q := db.New(tx)
	loaded, err := q.LoadReservations(ctx, subjects(batch))
	if err != nil {
		return nil, fmt.Errorf("projector: load reservations: %w", err)
	}
	own := make([]reservationRow, len(loaded))
	for i, l := range loaded {
		own[i] = reservationRow(l)
	}
	changed, err := fold[reservationRow](batch, own)
	if err != nil || len(changed) == 0 {
		return nil, err
	}
	if err := q.SaveReservations(ctx, reservationColumns(changed)); err != nil {
		return nil, fmt.Errorf("projector: save reservations: %w", err)
	}
	return column(changed, func(r *reservationRow) announce.Change {
		return announce.Change{Kind: announce.Reservation, ID: r.ID, Version: r.Version}
	}), nil
}

type reservationRow db.Reservation

// reservationMetadata is what support asks about and no list shows.
type reservationMetadata struct {
	CorrelationID string `json:"correlationId,omitempty"` // of the request that made the reservation
	PaymentID     string `json:"paymentId,omitempty"`     // the payment that was asked for last
	AttemptsLeft  int    `json:"attemptsLeft"`            // payments that may still be declined
	Reason        string `json:"reason,omitempty"`        // why it ended, or why the last payment failed
}

func (r *reservationRow) key() (string, int64) { return r.ID, r.Version }

func (r *reservationRow) evolve(record *Record) error {
	initiated, isFirst := record.Event.(reservation.ReservationInitiated)
	if isFirst != (record.Version == 1) {
		return errOrder(record)
	}
	if isFirst {
		return r.create(record, initiated)
	}
	var m reservationMetadata
	if err := json.Unmarshal(r.Metadata, &m); err != nil {
		return fmt.Errorf("metadata: %w", err)
	}
	r.Version = record.Version
	switch e := record.Event.(type) {
	case reservation.PaymentRequested:
		r.Status, r.ExpiresAt, m.PaymentID, m.Reason = "PAYMENT_PENDING", at(e.ExpiresAt), e.PaymentID, ""
	case reservation.PaymentAttemptFailed:
		r.Status, m.AttemptsLeft, m.Reason = "SEATS_RESERVED", e.AttemptsLeft, e.Reason
	case reservation.ReservationCompleted:
		// A payment that came after the end of the hold took the seats back: it is no longer expired.
		r.Status, r.CompletedAt, r.ExpiredAt, m.Reason = "COMPLETED", at(e.CompletedAt), pgtype.Timestamptz{}, ""
	case reservation.ReservationCancelled:
		r.Status, r.CancelledAt, m.Reason = "CANCELLED", at(e.CancelledAt), e.Reason
	case reservation.ReservationExpired:
		r.Status, r.ExpiredAt = "EXPIRED", at(e.ExpiredAt)
	case reservation.ReservationCompensated:
		r.Status, r.CompensatedAt, m.AttemptsLeft, m.Reason = "COMPENSATED", at(e.CompensatedAt), 0, e.Reason
	case reservation.ReservationRefunded:
		r.Status, r.RefundedAt = "REFUNDED", at(e.RefundedAt)
	default:
		return errOrder(record)
	}
	metadata, err := encode(m)
	r.Metadata = metadata
	return err
}

func (r *reservationRow) create(record *Record, e reservation.ReservationInitiated) error {
	*r = reservationRow{
		ID: record.subject(), Version: 1, EventID: e.EventID, CustomerID: e.CustomerID, Status: "SEATS_RESERVED",
		Total: e.Total.Minor, Currency: e.Total.Currency, CreatedAt: at(e.CreatedAt), ExpiresAt: at(e.ExpiresAt),
	}
	seats := e.Seats
	if seats == nil {
		seats = []reservation.Seat{}
	}
	var err error
	if r.Seats, err = encode(seats); err != nil {
		return err
	}
	r.Metadata, err = encode(reservationMetadata{CorrelationID: record.Metadata.CorrelationID, AttemptsLeft: e.PaymentAttempts})
	return err
}

func reservationColumns(rows []*reservationRow) db.SaveReservationsParams {
	return db.SaveReservationsParams{
		Ids:            column(rows, func(r *reservationRow) string { return r.ID }),
		Versions:       column(rows, func(r *reservationRow) int64 { return r.Version }),
		EventIds:       column(rows, func(r *reservationRow) string { return r.EventID }),
		CustomerIds:    column(rows, func(r *reservationRow) string { return r.CustomerID }),
		Statuses:       column(rows, func(r *reservationRow) string { return r.Status }),
		Seats:          column(rows, func(r *reservationRow) string { return string(r.Seats) }),
		Totals:         column(rows, func(r *reservationRow) int64 { return r.Total }),
		Currencies:     column(rows, func(r *reservationRow) string { return r.Currency }),
		CreatedAts:     column(rows, func(r *reservationRow) pgtype.Timestamptz { return r.CreatedAt }),
		ExpiresAts:     column(rows, func(r *reservationRow) pgtype.Timestamptz { return r.ExpiresAt }),
		CompletedAts:   column(rows, func(r *reservationRow) pgtype.Timestamptz { return r.CompletedAt }),
		ExpiredAts:     column(rows, func(r *reservationRow) pgtype.Timestamptz { return r.ExpiredAt }),
		CancelledAts:   column(rows, func(r *reservationRow) pgtype.Timestamptz { return r.CancelledAt }),
		CompensatedAts: column(rows, func(r *reservationRow) pgtype.Timestamptz { return r.CompensatedAt }),
		RefundedAts:    column(rows, func(r *reservationRow) pgtype.Timestamptz { return r.RefundedAt }),
		Metadata:       column(rows, func(r *reservationRow) string { return string(r.Metadata) }),
	}
}
