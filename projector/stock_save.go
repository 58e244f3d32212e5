package projector

import (
	"context"

	"ticketing/projector/db"
)

func (s *stock) saveSections(ctx context.Context, q *db.Queries) error {
	var added, moved []*section
	for _, section := range s.sections {
		switch {
		case section.added:
			added = append(added, section)
		case section.movedAvailable != 0 || section.movedReserved != 0 || section.movedSold != 0:
			moved = append(moved, section)
		}
	}
	if len(added) > 0 {
		if err := q.AddSections(ctx, sectionColumns(added)); err != nil {
			return err
		}
	}
	if len(moved) == 0 {
		return nil
	}
	return q.MoveSections(ctx, db.MoveSectionsParams{
		EventIds:  column(moved, func(s *section) string { return s.EventID }),
		Names:     column(moved, func(s *section) string { return s.Name }),
		Available: column(moved, func(s *section) int32 { return s.movedAvailable }),
		Reserved:  column(moved, func(s *section) int32 { return s.movedReserved }),
		Sold:      column(moved, func(s *section) int32 { return s.movedSold }),
	})
}

func sectionColumns(sections []*section) db.AddSectionsParams {
	return db.AddSectionsParams{
		EventIds:   column(sections, func(s *section) string { return s.EventID }),
		Names:      column(sections, func(s *section) string { return s.Name }),
		Ordinals:   column(sections, func(s *section) int32 { return s.Ordinal }),
		Prices:     column(sections, func(s *section) int64 { return s.Price }),
		Currencies: column(sections, func(s *section) string { return s.Currency }),
		Seated:     column(sections, func(s *section) bool { return s.Seated }),
		Capacities: column(sections, func(s *section) int32 { return s.Capacity }),
		Available:  column(sections, func(s *section) int32 { return s.Available }),
		Reserved:   column(sections, func(s *section) int32 { return s.Reserved }),
		Sold:       column(sections, func(s *section) int32 { return s.Sold }),
	}
}

func (s *stock) saveSeats(ctx context.Context, q *db.Queries) error {
	added, moved := map[seatKey]bool{}, map[seatKey]bool{}
	for key, seat := range s.seats {
		switch {
		case seat.added:
			added[key] = true
		case seat.moved:
			moved[key] = true
		}
	}
	eventOf := func(k seatKey) string { return k.event }
	sectionOf := func(k seatKey) string { return k.name }
	labelOf := func(k seatKey) string { return k.label }
	statusOf := func(k seatKey) string { return s.seats[k].status }
	if len(added) > 0 {
		keys := sortedKeys(added)
		err := q.AddSeats(ctx, db.AddSeatsParams{
			EventIds: column(keys, eventOf), Sections: column(keys, sectionOf), Labels: column(keys, labelOf),
			Ordinals: column(keys, func(k seatKey) int32 { return s.seats[k].ordinal }), Statuses: column(keys, statusOf),
		})
		if err != nil {
			return err
		}
	}
	if len(moved) == 0 {
		return nil
	}
	keys := sortedKeys(moved)
	return q.MoveSeats(ctx, db.MoveSeatsParams{
		EventIds: column(keys, eventOf), Sections: column(keys, sectionOf), Labels: column(keys, labelOf),
		Statuses: column(keys, statusOf),
	})
}
