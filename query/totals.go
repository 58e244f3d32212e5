package query

import (
	"context"
	"fmt"

	"ticketing/query/db"
)

// Totals reads sums over the whole platform.
type Totals struct{ read *db.Queries }

// NewTotals returns Totals over a pool of the database that holds the read tables.
func NewTotals(pool db.DBTX) *Totals { return &Totals{db.New(pool)} }

// SeatsOnSale returns the seats of all events whose sales are open, by state.
func (t *Totals) SeatsOnSale(ctx context.Context) (map[string]int64, error) {
	sums, err := t.read.SeatsOnSale(ctx)
	if err != nil {
		return nil, fmt.Errorf("sum the seats: %w", err)
	}
	return map[string]int64{"available": sums.Available, "reserved": sums.Reserved, "sold": sums.Sold, "blocked": sums.Blocked}, nil
}

// UndecidedPayments returns how many payments may still be completed or fail, and the age of the oldest.
func (t *Totals) UndecidedPayments(ctx context.Context) (payments int64, oldestSeconds float64, err error) {
	undecided, err := t.read.UndecidedPayments(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("find undecided payments: %w", err)
	}
	return undecided.Payments, undecided.OldestSeconds, nil
}
