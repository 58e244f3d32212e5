package availability

import (
	"context"
	"fmt"
	"slices"

	"ticketing/projector/db"
	"ticketing/projector/projection"
)

// save writes what the batch added and moved.
func (c *changes) save(ctx context.Context, q *db.Queries) error {
	if err := c.saveSections(ctx, q); err != nil {
		return fmt.Errorf("save sections: %w", err)
	}
	if err := c.saveSeats(ctx, q); err != nil {
		return fmt.Errorf("save seats: %w", err)
	}
	return nil
}

func (c *changes) saveSections(ctx context.Context, q *db.Queries) error {
	var added, moved []*section
	for _, section := range c.sections {
		switch {
		case section.added:
			added = append(added, section)
		case section.movedAvailable != 0 || section.movedReserved != 0 || section.movedSold != 0:
			moved = append(moved, section)
		}
	}
	if len(added) > 0 {
		if err := q.AddSections(ctx, addParams(added)); err != nil {
			return err
		}
	}
	if len(moved) == 0 {
		return nil
	}
	return q.MoveSections(ctx, db.MoveSectionsParams{
		EventIds:  projection.Column(moved, func(s *section) string { return s.EventID }),
		Names:     projection.Column(moved, func(s *section) string { return s.Name }),
		Available: projection.Column(moved, func(s *section) int32 { return s.movedAvailable }),
		Reserved:  projection.Column(moved, func(s *section) int32 { return s.movedReserved }),
		Sold:      projection.Column(moved, func(s *section) int32 { return s.movedSold }),
	})
}

func addParams(sections []*section) db.AddSectionsParams {
	return db.AddSectionsParams{
		EventIds:   projection.Column(sections, func(s *section) string { return s.EventID }),
		Names:      projection.Column(sections, func(s *section) string { return s.Name }),
		Ordinals:   projection.Column(sections, func(s *section) int32 { return s.Ordinal }),
		Prices:     projection.Column(sections, func(s *section) int64 { return s.Price }),
		Currencies: projection.Column(sections, func(s *section) string { return s.Currency }),
		Seated:     projection.Column(sections, func(s *section) bool { return s.Seated }),
		Capacities: projection.Column(sections, func(s *section) int32 { return s.Capacity }),
		Available:  projection.Column(sections, func(s *section) int32 { return s.Available }),
		Reserved:   projection.Column(sections, func(s *section) int32 { return s.Reserved }),
		Sold:       projection.Column(sections, func(s *section) int32 { return s.Sold }),
	}
}

// seatsTogether is how many seats one statement writes: a larger one would run into its deadline.
const seatsTogether = 10_000

func (c *changes) saveSeats(ctx context.Context, q *db.Queries) error {
	var added, moved []seatKey
	for _, key := range sortedKeys(c.seats) {
		switch seat := c.seats[key]; {
		case seat.added:
			added = append(added, key)
		case seat.moved:
			moved = append(moved, key)
		}
	}
	for keys := range slices.Chunk(added, seatsTogether) {
		if err := c.saveAddedSeats(ctx, q, keys); err != nil {
			return err
		}
	}
	if len(moved) == 0 {
		return nil
	}
	return q.MoveSeats(ctx, db.MoveSeatsParams{
		EventIds: projection.Column(moved, eventOf), Sections: projection.Column(moved, sectionOf),
		Labels: projection.Column(moved, labelOf), Statuses: projection.Column(moved, c.statusOf),
	})
}

func (c *changes) saveAddedSeats(ctx context.Context, q *db.Queries, keys []seatKey) error {
	return q.AddSeats(ctx, db.AddSeatsParams{
		EventIds: projection.Column(keys, eventOf), Sections: projection.Column(keys, sectionOf),
		Labels: projection.Column(keys, labelOf), Statuses: projection.Column(keys, c.statusOf),
		Ordinals: projection.Column(keys, func(k seatKey) int32 { return c.seats[k].ordinal }),
	})
}

func eventOf(k seatKey) string   { return k.event }
func sectionOf(k seatKey) string { return k.name }
func labelOf(k seatKey) string   { return k.label }

func (c *changes) statusOf(k seatKey) string { return c.seats[k].status }
