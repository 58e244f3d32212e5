package availability

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"ticketing/command/inventory"
	"ticketing/projector/db"
	"ticketing/projector/projection"
)

// loadChanges reads the sections of the events and the seats that the records name.
func loadChanges(ctx context.Context, q *db.Queries, eventIDs []string, taken []*projection.Record) (*changes, error) {
	c := newChanges()
	sections, err := q.LoadSections(ctx, eventIDs)
	if err != nil {
		return nil, fmt.Errorf("load sections: %w", err)
	}
	for _, row := range sections {
		c.sections[sectionKey{row.EventID, row.Name}] = &section{Section: row}
		c.ordinals[row.EventID]++
	}
	if err := c.loadChangedRows(ctx, q, taken); err != nil {
		return nil, err
	}
	keys := namedSeats(taken)
	if len(keys) == 0 {
		return c, nil
	}
	seats, err := q.LoadSeats(ctx, db.LoadSeatsParams{
		EventIds: projection.Column(keys, func(k seatKey) string { return k.event }),
		Sections: projection.Column(keys, func(k seatKey) string { return k.name }),
		Labels:   projection.Column(keys, func(k seatKey) string { return k.label }),
	})
	if err != nil {
		return nil, fmt.Errorf("load seats: %w", err)
	}
	for _, row := range seats {
		c.seats[keyOf(row)] = &seat{Seat: row}
	}
	return c, nil
}

func keyOf(row db.Seat) seatKey { return seatKey{sectionKey{row.EventID, row.Section}, row.Label} }

// loadChangedRows reads all seats of the sections in which rows change.
func (c *changes) loadChangedRows(ctx context.Context, q *db.Queries, taken []*projection.Record) error {
	changed := map[sectionKey]bool{}
	for _, r := range taken {
		if e, ok := r.Event.(inventory.SectionUpdated); ok && len(e.RowsChanged) > 0 {
			changed[sectionKey{r.AggregateID(), e.Section}] = true
		}
	}
	if len(changed) == 0 {
		return nil
	}
	keys := slices.Collect(maps.Keys(changed))
	seats, err := q.LoadSeatsOfSections(ctx, db.LoadSeatsOfSectionsParams{
		EventIds: projection.Column(keys, func(k sectionKey) string { return k.event }),
		Sections: projection.Column(keys, func(k sectionKey) string { return k.name }),
	})
	if err != nil {
		return fmt.Errorf("load the seats of sections: %w", err)
	}
	for _, row := range seats {
		c.seats[keyOf(row)] = &seat{Seat: row}
	}
	return nil
}

func namedSeats(taken []*projection.Record) []seatKey {
	named := map[seatKey]bool{}
	for _, r := range taken {
		for _, item := range namedItems(r.Event) {
			for _, label := range item.Labels {
				named[seatKey{sectionKey{r.AggregateID(), item.Section}, label}] = true
			}
		}
	}
	return sortedKeys(named)
}

// namedItems returns the items whose seats a domain event names.
func namedItems(e any) []inventory.Item {
	switch e := e.(type) {
	case inventory.SectionUpdated:
		labels := slices.Concat(e.Blocked, e.Unblocked)
		for _, m := range e.Marked {
			labels = append(labels, m.Label)
		}
		return []inventory.Item{{Section: e.Section, Labels: labels}}
	case inventory.SeatsReserved:
		return e.Items
	case inventory.SeatsConfirmed:
		return e.Items
	case inventory.SeatsReleased:
		return e.Items
	}
	return nil
}
