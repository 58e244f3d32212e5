package projector

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/announce"
	"ticketing/projector/db"
)

// customers keeps what everybody reserved and spent, and its history.
//
// A stream counts by itself: what a reservation adds needs nothing of its payments, and money is what payments took and gave back. A row a
// stream says whose it is and guards its version, which is compared and set.
type customers struct{}

func (customers) Name() string         { return "customers" }
func (customers) Categories() []string { return []string{reservation.Category, payment.Category} }
func (customers) Tables() []string {
	return []string{"customer_streams", "customers", "customer_spend", "customer_history"}
}

func (customers) Apply(ctx context.Context, tx pgx.Tx, batch []Record) ([]announce.Change, error) {
	q := db.New(tx)
	loaded, err := q.LoadCustomerStreams(ctx, distinct(streams(batch)))
	if err != nil {
		return nil, fmt.Errorf("projector: load streams of customers: %w", err)
	}
	turns, journal := newTurns(), newJournal()
	for _, row := range loaded {
		turns.versions[row.ID] = row.Version
		journal.streams[row.ID] = &customerStream{CustomerStream: row, expected: row.Version}
	}
	taken, err := takeTurns(turns, batch)
	if err != nil || len(taken) == 0 {
		return nil, err
	}
	for i := range taken {
		if err := journal.evolve(&taken[i]); err != nil {
			return nil, taken[i].fail(err)
		}
	}
	return nil, journal.save(ctx, q)
}
