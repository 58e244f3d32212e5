// Package customers projects what customers reserved and spent, and their history.
//
// A stream is counted by itself: what a reservation adds needs nothing of its payments, and money is what payments took and refunded. A
// row for each stream says which customer it belongs to and guards its version, which is compared and set.
package customers

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/announce"
	"ticketing/projector/db"
	"ticketing/projector/projection"
)

// Projection keeps the tables of customers.
type Projection struct{}

// Name implements projection.Projection.
func (Projection) Name() string { return "customers" }

// Categories implements projection.Projection.
func (Projection) Categories() []string { return []string{reservation.Category, payment.Category} }

// Tables implements projection.Projection.
func (Projection) Tables() []string {
	return []string{"customer_streams", "customers", "customer_spend", "customer_history"}
}

// StreamRow is a row of the table customer_streams.
type StreamRow db.CustomerStream

// Row is a row of the table customers.
type Row db.Customer

// SpendRow is a row of the table customer_spend.
type SpendRow db.CustomerSpend

// HistoryRow is a row of the table customer_history. Kind is one of the kinds below.
type HistoryRow db.CustomerHistory

// The kinds of a customer's history.
const (
	ReservationInitiated   = "RESERVATION_INITIATED"
	ReservationCompleted   = "RESERVATION_COMPLETED"
	ReservationCancelled   = "RESERVATION_CANCELLED"
	ReservationExpired     = "RESERVATION_EXPIRED"
	ReservationCompensated = "RESERVATION_COMPENSATED"
	ReservationRefunded    = "RESERVATION_REFUNDED"
	PaymentCompleted       = "PAYMENT_COMPLETED"
	PaymentFailed          = "PAYMENT_FAILED"
	PaymentRefunded        = "PAYMENT_REFUNDED"
	RefundSentBack         = "REFUND_SENT_BACK"
)

// Apply implements projection.Projection.
func (Projection) Apply(ctx context.Context, tx pgx.Tx, batch []projection.Record) ([]announce.Change, error) {
	q := db.New(tx)
	loaded, err := q.LoadCustomerStreams(ctx, projection.Streams(batch))
	if err != nil {
		return nil, fmt.Errorf("load the streams of customers: %w", err)
	}
	turns, changes := projection.NewTurns(), newChanges()
	for _, row := range loaded {
		turns.SetVersion(row.ID, row.Version)
		changes.streams[row.ID] = &customerStream{StreamRow: StreamRow(row), expected: row.Version}
	}
	taken, err := turns.Take(batch)
	if err != nil || len(taken) == 0 {
		return nil, err
	}
	for _, r := range taken {
		if err := changes.apply(r); err != nil {
			return nil, r.Fail(err)
		}
	}
	return nil, changes.save(ctx, q)
}
