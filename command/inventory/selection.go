package inventory

import (
	"iter"
	"slices"

	"ticketing/command/rejection"
)

// selection is what a reservation that is being decided gets of one section. The state itself must not change.
type selection struct {
	section  *Section
	seats    []place
	standing int // general admission tickets
}

// addNamed adds the seat that label names.
func (s *selection) addNamed(label string) *rejection.Error {
	at, ok := s.section.findSeat(label)
	switch {
	case !ok:
		return rejection.New(rejection.SeatUnavailable, "section %q has no seat %q", s.section.Name, label)
	case s.contains(at):
		return rejection.New(rejection.Invalid, "seat %s is listed twice", label)
	case s.section.statusAt(at) != Available:
		return rejection.New(rejection.SeatUnavailable, "seat %s is taken", label)
	}
	s.seats = append(s.seats, at)
	return nil
}

// addBest adds n tickets. Seats are chosen by these rules, the most important first: as few groups of neighbours as possible (one, if
// a run is long enough), as few single seats left over as possible, the best row (the one that was added first), the lowest numbers.
// If no run is long enough, runs are filled greedily, the longest first: that makes the fewest groups, and leaves at most one single
// seat more than the best split.
func (s *selection) addBest(n int) *rejection.Error {
	if left := s.section.Available() - len(s.seats) - s.standing; n > left {
		if left == 0 {
			return rejection.New(rejection.InsufficientInventory, "section %q is sold out", s.section.Name)
		}
		return rejection.New(rejection.InsufficientInventory, "section %q has only %d left", s.section.Name, left)
	}
	if !s.section.Seated() {
		s.standing += n
		return nil
	}
	for n > 0 {
		r, size := s.bestRun(n)
		for i := range size {
			s.seats = append(s.seats, place{row: r.row, seat: r.seat + i})
		}
		n -= size
	}
	return nil
}

// bestRun returns where to seat n neighbours, or the longest run if none is long enough.
func (s *selection) bestRun(n int) (start place, size int) {
	longest, withOrphan := run{}, run{}
	for i := range s.section.Rows {
		if cached := s.section.Rows[i].longest; cached < n && cached <= longest.size {
			continue
		}
		for r := range s.freeRuns(i) {
			if r.size > longest.size {
				longest = r
			}
			switch {
			case r.size == n || r.size > n+1: // from its low end, so that the rest stays together
				return r.place, n
			case r.size == n+1 && withOrphan.size == 0:
				withOrphan = r
			}
		}
	}
	if withOrphan.size > 0 {
		return withOrphan.place, n
	}
	return longest.place, longest.size
}

// run is a maximal group of free neighbouring seats.
type run struct {
	place
	size int
}

// freeRuns returns an iterator over the runs of a row, from the lowest number.
func (s *selection) freeRuns(row int) iter.Seq[run] {
	return func(yield func(run) bool) {
		seats := s.section.Rows[row].Seats
		for i := 0; i < len(seats); i++ {
			start := i
			for i < len(seats) && seats[i] == Available && !s.contains(place{row, i}) {
				i++
			}
			if i > start && !yield(run{place: place{row, start}, size: i - start}) {
				return
			}
		}
	}
}

func (s *selection) contains(at place) bool {
	return slices.Contains(s.seats, at)
}

func (s *selection) toItem() Item {
	item := Item{Section: s.section.Name, Quantity: len(s.seats) + s.standing}
	for _, at := range s.seats {
		item.Labels = append(item.Labels, s.section.labelOf(at))
	}
	return item
}
