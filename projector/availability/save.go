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
		case section.priced || section.moved != counters{}:
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
		EventIds:   projection.Column(moved, func(s *section) string { return s.EventID }),
		Names:      projection.Column(moved, func(s *section) string { return s.Name }),
		Prices:     projection.Column(moved, func(s *section) int64 { return s.Price }),
		Capacities: projection.Column(moved, func(s *section) int32 { return s.moved.capacity }),
		Available:  projection.Column(moved, func(s *section) int32 { return s.moved.available }),
		Reserved:   projection.Column(moved, func(s *section) int32 { return s.moved.reserved }),
		Sold:       projection.Column(moved, func(s *section) int32 { return s.moved.sold }),
		Blocked:    projection.Column(moved, func(s *section) int32 { return s.moved.blocked }),
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
		Blocked:    projection.Column(sections, func(s *section) int32 { return s.Blocked }),
	}
}

// seatsTogether is how many seats one statement writes: a larger one would run into its deadline.
const seatsTogether = 10_000

func (c *changes) saveSeats(ctx context.Context, q *db.Queries) error {
	var removed, added, moved []*seat
	for _, key := range sortedKeys(c.seats) {
		seat := c.seats[key]
		if !seat.added && (seat.removed || seat.placed) {
			removed = append(removed, seat)
		}
		switch {
		case seat.removed:
		case seat.added || seat.placed:
			added = append(added, seat)
		case seat.moved:
			moved = append(moved, seat)
		}
	}
	for seats := range slices.Chunk(removed, seatsTogether) {
		if err := q.RemoveSeats(ctx, db.RemoveSeatsParams{
			EventIds: projection.Column(seats, eventOf), Sections: projection.Column(seats, sectionOf), Labels: projection.Column(seats, labelOf),
		}); err != nil {
			return err
		}
	}
	for seats := range slices.Chunk(added, seatsTogether) {
		if err := q.AddSeats(ctx, db.AddSeatsParams{
			EventIds: projection.Column(seats, eventOf), Sections: projection.Column(seats, sectionOf), Labels: projection.Column(seats, labelOf),
			Ordinals: projection.Column(seats, func(s *seat) int32 { return s.Ordinal }), Statuses: projection.Column(seats, statusOf),
			Accessible: projection.Column(seats, isAccessible), RestrictedView: projection.Column(seats, hasRestrictedView),
			Layouts: projection.Column(seats, layoutOf),
		}); err != nil {
			return err
		}
	}
	if len(moved) == 0 {
		return nil
	}
	return q.MoveSeats(ctx, db.MoveSeatsParams{
		EventIds: projection.Column(moved, eventOf), Sections: projection.Column(moved, sectionOf), Labels: projection.Column(moved, labelOf),
		Statuses:   projection.Column(moved, statusOf),
		Accessible: projection.Column(moved, isAccessible), RestrictedView: projection.Column(moved, hasRestrictedView),
	})
}

func eventOf(s *seat) string         { return s.EventID }
func sectionOf(s *seat) string       { return s.Section }
func labelOf(s *seat) string         { return s.Label }
func statusOf(s *seat) string        { return s.Status }
func isAccessible(s *seat) bool      { return s.Accessible }
func hasRestrictedView(s *seat) bool { return s.RestrictedView }

// layoutOf returns an array as PostgreSQL reads it, "" for null: an array of arrays can't be unnested.
func layoutOf(s *seat) string {
	if s.Layout == nil {
		return ""
	}
	return fmt.Sprintf("{%v,%v,%v}", s.Layout[0], s.Layout[1], s.Layout[2])
}
