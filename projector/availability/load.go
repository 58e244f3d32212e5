package availability

import (
	"context"
	"fmt"

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
		c.seats[seatKey{sectionKey{row.EventID, row.Section}, row.Label}] = &seat{status: row.Status}
	}
	return c, nil
}

func namedSeats(taken []*projection.Record) []seatKey {
	named := map[seatKey]bool{}
	for _, r := range taken {
		for _, item := range movedItems(r.Event) {
			for _, label := range item.Labels {
				named[seatKey{sectionKey{r.AggregateID(), item.Section}, label}] = true
			}
		}
	}
	return sortedKeys(named)
}

// movedItems returns the items whose status a domain event changes.
func movedItems(e any) []inventory.Item {
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
