package projector

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"ticketing/command/inventory"
	"ticketing/internal/announce"
	"ticketing/projector/db"
)

// availability keeps how much of each section is left, and the state of every numbered seat.
type availability struct{}

func (availability) Name() string         { return "availability" }
func (availability) Categories() []string { return []string{inventory.Category} }
func (availability) Tables() []string     { return []string{"inventories", "sections", "seats"} }

// Apply locks the inventories of the batch, so that counters move by what exactly one transaction takes from each stream.
func (availability) Apply(ctx context.Context, tx pgx.Tx, batch []Record) ([]announce.Change, error) {
	q := db.New(tx)
	turns, err := lockInventories(ctx, q, subjects(batch))
	if err != nil {
		return nil, err
	}
	taken, err := takeTurns(turns, batch)
	if err != nil || len(taken) == 0 {
		return nil, err
	}
	stock, err := loadStock(ctx, q, taken)
	if err != nil {
		return nil, err
	}
	for i := range taken {
		if err := stock.evolve(&taken[i]); err != nil {
			return nil, taken[i].fail(err)
		}
	}
	if err := stock.save(ctx, q); err != nil {
		return nil, err
	}
	return moveInventories(ctx, q, turns, taken)
}

func lockInventories(ctx context.Context, q *db.Queries, eventIDs []string) (turns, error) {
	turns := newTurns()
	if err := q.AddInventories(ctx, eventIDs); err != nil {
		return turns, fmt.Errorf("projector: add inventories: %w", err)
	}
	locked, err := q.LockInventories(ctx, eventIDs)
	if err != nil {
		return turns, fmt.Errorf("projector: lock inventories: %w", err)
	}
	for _, l := range locked {
		turns.versions[inventory.Stream(l.EventID)] = l.Version
	}
	return turns, nil
}

func takeTurns(turns turns, batch []Record) ([]Record, error) {
	taken := make([]Record, 0, len(batch))
	for i := range batch {
		mine, err := turns.take(&batch[i])
		if err != nil {
			return nil, err
		}
		if mine {
			taken = append(taken, batch[i])
		}
	}
	return taken, turns.gap()
}

func moveInventories(ctx context.Context, q *db.Queries, turns turns, taken []Record) ([]announce.Change, error) {
	ids := subjects(taken)
	changes := column(ids, func(id string) announce.Change {
		return announce.Change{Kind: announce.Availability, ID: id, Version: turns.versions[inventory.Stream(id)]}
	})
	err := q.MoveInventories(ctx, db.MoveInventoriesParams{
		EventIds: ids,
		Versions: column(changes, func(c announce.Change) int64 { return c.Version }),
	})
	if err != nil {
		return nil, fmt.Errorf("projector: move inventories: %w", err)
	}
	return changes, nil
}

// items answers what a domain event moves.
func items(e any) []inventory.Item {
	switch e := e.(type) {
	case inventory.SeatsReserved:
		return e.Items
	case inventory.SeatsConfirmed:
		return e.Items
	case inventory.SeatsReleased:
		return e.Items
	}
	return nil
}

// loadStock reads the sections of the events that the records are about, and the seats that they name.
func loadStock(ctx context.Context, q *db.Queries, taken []Record) (*stock, error) {
	s := newStock()
	sections, err := q.LoadSections(ctx, subjects(taken))
	if err != nil {
		return nil, fmt.Errorf("projector: load sections: %w", err)
	}
	for _, row := range sections {
		s.sections[sectionKey{row.EventID, row.Name}] = &section{Section: row}
		s.ordinals[row.EventID]++
	}
	named := map[seatKey]bool{}
	for i := range taken {
		for _, item := range items(taken[i].Event) {
			for _, label := range item.Labels {
				named[seatKey{sectionKey{taken[i].subject(), item.Section}, label}] = true
			}
		}
	}
	if len(named) == 0 {
		return s, nil
	}
	keys := sortedKeys(named)
	seats, err := q.LoadSeats(ctx, db.LoadSeatsParams{
		EventIds: column(keys, func(k seatKey) string { return k.event }),
		Sections: column(keys, func(k seatKey) string { return k.name }),
		Labels:   column(keys, func(k seatKey) string { return k.label }),
	})
	if err != nil {
		return nil, fmt.Errorf("projector: load seats: %w", err)
	}
	for _, row := range seats {
		s.seats[seatKey{sectionKey{row.EventID, row.Section}, row.Label}] = &seat{status: row.Status}
	}
	return s, nil
}

// sortedKeys keeps the order of writes the same everywhere.
func sortedKeys[V any](seats map[seatKey]V) []seatKey {
	keys := make([]seatKey, 0, len(seats))
	for k := range seats {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, seatKey.compare)
	return keys
}
