package availability

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"ticketing/command/eventstore"
	"ticketing/command/inventory"
	"ticketing/internal/announce"
	"ticketing/projector/db"
	"ticketing/projector/projection"
)

var _ projection.Bulky = Projection{}

// CountRows implements projection.Bulky: a section has a row for each of its numbered seats. The aggregate sees to it that a change of a section
// is never written in parts.
func (Projection) CountRows(r *projection.Record) int {
	switch e := r.Event.(type) {
	case inventory.InventoryAdded:
		return countSeats(e.Rows)
	case inventory.SectionUpdated:
		if len(e.RowsChanged) > 0 { // the seats behind move
			return inventory.MostSeatsChanged
		}
		return countSeats(e.RowsAdded)
	}
	return 0
}

// StreamVersion implements projection.Bulky.
func (Projection) StreamVersion(ctx context.Context, tx pgx.Tx, streamID string) (int64, error) {
	_, eventID := eventstore.SplitStreamID(streamID)
	version, err := db.New(tx).InventoryVersion(ctx, eventID)
	if err != nil {
		return 0, fmt.Errorf("read the version of %s: %w", streamID, err)
	}
	return version, nil
}

// WriteRows implements projection.Bulky. The seats show when their section is there.
func (Projection) WriteRows(ctx context.Context, tx pgx.Tx, r *projection.Record, from, to int) error {
	added, ok := r.Event.(inventory.InventoryAdded)
	if !ok {
		return r.Fail(r.Misplaced())
	}
	q, eventID := db.New(tx), r.AggregateID()
	turns, err := lockInventories(ctx, q, []string{eventID})
	if err != nil {
		return err
	}
	if taken, err := turns.Take([]projection.Record{*r}); err != nil || len(taken) == 0 {
		return err // its rows are there already
	}
	c, err := loadChanges(ctx, q, []string{eventID}, nil)
	if err != nil {
		return err
	}
	if err := c.checkSection(eventID, added); err != nil {
		return r.Fail(err)
	}
	if from == 0 {
		if err := q.DeleteSeats(ctx, db.DeleteSeatsParams{EventID: eventID, Section: added.Section}); err != nil {
			return fmt.Errorf("delete seats of an earlier attempt: %w", err)
		}
	}
	if err := c.addSeats(sectionKey{eventID, added.Section}, added.Rows, 0, from, to); err != nil {
		return r.Fail(err)
	}
	if err := c.saveSeats(ctx, q); err != nil {
		return fmt.Errorf("save seats: %w", err)
	}
	return nil
}

// ApplyRest implements projection.Bulky.
func (Projection) ApplyRest(ctx context.Context, tx pgx.Tx, r *projection.Record) ([]announce.Change, error) {
	return applyBatch(ctx, tx, []projection.Record{*r}, seatsAreThere)
}
