// Package availability projects inventories: how much of each section is left, and the status of every numbered seat.
package availability

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"ticketing/command/inventory"
	"ticketing/internal/announce"
	"ticketing/projector/db"
	"ticketing/projector/projection"
)

// Projection keeps the tables inventories, sections and seats.
type Projection struct{}

// Name implements projection.Projection.
func (Projection) Name() string { return "availability" }

// Categories implements projection.Projection.
func (Projection) Categories() []string { return []string{inventory.Category} }

// Tables implements projection.Projection.
func (Projection) Tables() []string { return []string{"inventories", "sections", "seats"} }

// SectionRow is a row of the table sections.
type SectionRow db.Section

// SeatRow is a row of the table seats.
type SeatRow db.Seat

// Apply implements projection.Projection. It locks the inventories of the batch, so that exactly one transaction applies each record
// to the counters.
func (Projection) Apply(ctx context.Context, tx pgx.Tx, batch []projection.Record) ([]announce.Change, error) {
	return applyBatch(ctx, tx, batch, seatsAreMissing)
}

// seats is whether the seats of the sections that a batch adds were written before.
type seats bool

const (
	seatsAreMissing seats = false
	seatsAreThere   seats = true
)

func applyBatch(ctx context.Context, tx pgx.Tx, batch []projection.Record, written seats) ([]announce.Change, error) {
	q := db.New(tx)
	turns, err := lockInventories(ctx, q, projection.AggregateIDs(batch))
	if err != nil {
		return nil, err
	}
	taken, err := turns.Take(batch)
	if err != nil || len(taken) == 0 {
		return nil, err
	}
	eventIDs := projection.Distinct(projection.Column(taken, (*projection.Record).AggregateID))
	changes, err := loadChanges(ctx, q, eventIDs, taken)
	if err != nil {
		return nil, err
	}
	changes.written = written
	for _, r := range taken {
		if err := changes.apply(r); err != nil {
			return nil, r.Fail(err)
		}
	}
	if err := changes.save(ctx, q); err != nil {
		return nil, err
	}
	return moveInventories(ctx, q, turns, eventIDs)
}

func lockInventories(ctx context.Context, q *db.Queries, eventIDs []string) (projection.Turns, error) {
	turns := projection.NewTurns()
	if err := q.AddInventories(ctx, eventIDs); err != nil {
		return turns, fmt.Errorf("add inventories: %w", err)
	}
	locked, err := q.LockInventories(ctx, eventIDs)
	if err != nil {
		return turns, fmt.Errorf("lock inventories: %w", err)
	}
	for _, row := range locked {
		turns.SetVersion(inventory.Stream(row.EventID), row.Version)
	}
	return turns, nil
}

func moveInventories(ctx context.Context, q *db.Queries, turns projection.Turns, eventIDs []string) ([]announce.Change, error) {
	changes := projection.Column(eventIDs, func(id string) announce.Change {
		return announce.Change{Kind: announce.Availability, ID: id, Version: turns.Version(inventory.Stream(id))}
	})
	err := q.MoveInventories(ctx, db.MoveInventoriesParams{
		EventIds: eventIDs,
		Versions: projection.Column(changes, func(c announce.Change) int64 { return c.Version }),
	})
	if err != nil {
		return nil, fmt.Errorf("move inventories: %w", err)
	}
	return changes, nil
}
