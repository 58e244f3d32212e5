// Package sales projects what was sold and given back, by event, section and day.
//
// Tickets and prices are in a reservation's stream, refunds in that of its payment, and either may come first. So a row for each
// reservation and for each payment keeps what the other one needs, and the second to come is counted. Everything that is counted, or may
// be later, gives the reservation's row a new revision, which is compared and set.
package sales

import (
	"context"

	"github.com/jackc/pgx/v5"

	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/announce"
	"ticketing/projector/db"
	"ticketing/projector/projection"
)

// Projection keeps the tables of sales.
type Projection struct{}

// Name implements projection.Projection.
func (Projection) Name() string { return "sales" }

// Categories implements projection.Projection.
func (Projection) Categories() []string { return []string{reservation.Category, payment.Category} }

// Tables implements projection.Projection.
func (Projection) Tables() []string {
	return []string{"sale_reservations", "sale_payments", "sales", "section_sales"}
}

// Apply implements projection.Projection.
func (Projection) Apply(ctx context.Context, tx pgx.Tx, batch []projection.Record) ([]announce.Change, error) {
	q := db.New(tx)
	changes, turns, err := loadChanges(ctx, q, batch)
	if err != nil {
		return nil, err
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
