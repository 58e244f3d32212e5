package inventory

import (
	"iter"
	"slices"

	"ticketing/command/rejection"
)

// selection is what a reservation that is being decided gets of one section. The state itself must not change.
//
// Its cost is bounded, because it is paid under the log's one lock: all tickets that are wanted of a section cost one search of its seats,
// and one of its rows for each length of the groups that they get (BenchmarkReserveOfTheWorstMap).
type selection struct {
	section *Section
	seats   []place
	changed map[int]SeatRow // copies of the rows in which seats are selected, with these seats reserved
	wanted  int             // tickets that are not chosen yet; general admission has no others

	longest run // the last run that was chosen because none is long enough: no run is longer, and in the rows before all are shorter
}

func newSelection(section *Section) *selection {
	return &selection{section: section, changed: map[int]SeatRow{}}
}

// addNamed adds the seat that label names.
func (s *selection) addNamed(label string) *rejection.Error {
	at, ok := s.section.findSeat(label)
	switch {
	case !ok:
		return rejection.New(rejection.SeatUnavailable, "section %q has no seat %q", s.section.Name, label)
	case s.section.statusAt(at) == Blocked:
		return rejection.New(rejection.SeatUnavailable, "seat %s is not for sale", label)
	case s.section.statusAt(at) != Available:
		return rejection.New(rejection.SeatUnavailable, "seat %s is taken", label)
	case s.row(at.row).Seats[at.seat] != Available:
		return rejection.New(rejection.Invalid, "seat %s is listed twice", label)
	}
	s.take(at, 1)
	return nil
}

// want adds n tickets to those that addBest chooses.
func (s *selection) want(n int) *rejection.Error {
	left := s.section.Available() - len(s.seats) - s.wanted
	switch {
	case n <= left:
		s.wanted += n
		return nil
	case left == 0:
		return rejection.New(rejection.InsufficientInventory, "section %q is sold out", s.section.Name)
	}
	return rejection.New(rejection.InsufficientInventory, "section %q has only %d left", s.section.Name, left)
}

// addBest chooses the wanted seats by these rules, the most important first: as few groups of neighbours as possible (one, if
// a run is long enough), as few single seats left over as possible, the best row (the one that was added first), the lowest numbers.
// If no run is long enough, runs are filled greedily, the longest first: that makes the fewest groups, and leaves at most one single
// seat more than the best split.
func (s *selection) addBest() {
	if !s.section.Seated() {
		return
	}
	for s.wanted > 0 {
		start, size := s.bestRun(s.wanted)
		s.take(start, size)
		s.wanted -= size
	}
}

// take selects neighbours.
func (s *selection) take(start place, size int) {
	row, copied := s.changed[start.row]
	if !copied {
		row = s.section.Rows[start.row]
		row.Seats = slices.Clone(row.Seats)
	}
	for i := range size {
		row.Seats[start.seat+i] = Reserved
		s.seats = append(s.seats, place{row: start.row, seat: start.seat + i})
	}
	row.longest = longestRun(row.Seats)
	s.changed[start.row] = row
}

// row returns a row with the selected seats reserved.
func (s *selection) row(i int) *SeatRow {
	if len(s.changed) > 0 {
		if row, ok := s.changed[i]; ok {
			return &row
		}
	}
	return &s.section.Rows[i]
}

// bestRun returns where to seat n neighbours, or the longest run if none is long enough.
func (s *selection) bestRun(n int) (start place, size int) {
	if n > s.longest.size && s.nextLongest() {
		return s.longest.place, s.longest.size
	}
	start, size = s.searchRuns(n)
	s.longest = run{start, size}
	return start, size
}

// nextLongest finds another run that is as long as the last one, when that was the longest.
func (s *selection) nextLongest() bool {
	if s.longest.size == 0 {
		return false
	}
	for i := s.longest.row; i < len(s.section.Rows); i++ {
		if s.section.Rows[i].longest < s.longest.size || s.row(i).longest < s.longest.size {
			continue
		}
		for r := range freeRuns(s.row(i).Seats, i) {
			if r.size == s.longest.size {
				s.longest = r
				return true
			}
		}
	}
	return false
}

func (s *selection) searchRuns(n int) (start place, size int) {
	longest, withOrphan := run{}, run{}
	for i := range s.section.Rows {
		known := s.section.Rows[i].longest // a selection makes it shorter at most
		if skips(known, n, longest.size) {
			continue
		}
		row := s.row(i)
		if skips(row.longest, n, longest.size) {
			continue
		}
		for r := range freeRuns(row.Seats, i) {
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

// skips reports whether a row can hold neither n neighbours nor more of them than are found already.
func skips(longestOfRow, n, found int) bool { return longestOfRow < n && longestOfRow <= found }

// run is a maximal group of free neighbouring seats.
type run struct {
	place
	size int
}

// freeRuns returns an iterator over the runs of a row, from the lowest number.
func freeRuns(seats []SeatStatus, row int) iter.Seq[run] {
	return func(yield func(run) bool) {
		for i := 0; i < len(seats); i++ {
			start := i
			for i < len(seats) && seats[i] == Available {
				i++
			}
			if i > start && !yield(run{place: place{row, start}, size: i - start}) {
				return
			}
		}
	}
}

func (s *selection) toItem() Item {
	item := Item{Section: s.section.Name, Quantity: len(s.seats) + s.wanted}
	for _, at := range s.seats {
		item.Labels = append(item.Labels, s.section.labelOf(at))
	}
	return item
}
