package inventory

import "fmt"

// Evolve returns the state after e. It may change what s refers to: see State.
func Evolve(s State, e DomainEvent) State {
	switch e := e.(type) {
	case InventoryAdded:
		s.Sections = append(s.Sections, newSection(e))
	case SectionUpdated:
		s.updateSection(e)
	case SeatsReserved:
		if s.Tickets == nil {
			s.Tickets = map[string]int{}
		}
		s.hold(e.ReservationID, Holding{CustomerID: e.CustomerID, Items: e.Items})
		s.addTickets(e.CustomerID, countTickets(e.Items))
		s.moveItems(e.Items, Available, Reserved)
	case SeatsConfirmed:
		h := s.Holdings[e.ReservationID]
		h.Sold = true
		s.hold(e.ReservationID, h)
		s.moveItems(e.Items, Reserved, Sold)
	case SeatsReleased:
		h := s.Holdings[e.ReservationID]
		left, ok := without(h.Items, e.Items)
		if !ok {
			panic(fmt.Sprintf("inventory: reservation %s does not have what it releases", e.ReservationID))
		}
		if h.Items = left; len(left) > 0 {
			s.hold(e.ReservationID, h)
		} else {
			s.drop(e.ReservationID)
		}
		s.addTickets(e.CustomerID, -countTickets(e.Items))
		from := Reserved
		if e.Sold {
			from = Sold
		}
		s.moveItems(e.Items, from, Available)
	}
	return s
}

func newSection(e InventoryAdded) *Section {
	section := &Section{Name: e.Section, Price: e.Price, Capacity: e.Capacity, Rows: make([]SeatRow, len(e.Rows))}
	for i, r := range e.Rows {
		section.Rows[i] = newRow(r)
	}
	section.indexNames()
	return section
}

func newRow(r Row) SeatRow {
	return SeatRow{Name: r.Name, Numbering: r.Numbering, Layout: r.Layout, Seats: make([]SeatStatus, r.Seats), longest: r.Seats}
}

// moveItems panics if the log breaks a rule: a numbered seat moves only from the status it has, and counts stay within the capacity.
func (s State) moveItems(items []Item, from, to SeatStatus) {
	for _, item := range items {
		section := s.Section(item.Section)
		section.addCount(from, -item.Quantity)
		section.addCount(to, item.Quantity)
		if section.Reserved < 0 || section.Sold < 0 || section.Available() < 0 {
			panic(fmt.Sprintf("inventory: section %q would have %d reserved and %d sold of %d", section.Name, section.Reserved, section.Sold, section.Capacity))
		}
		for _, label := range item.Labels {
			section.moveSeat(label, from, to)
		}
	}
}

func (s *Section) moveSeat(label string, from, to SeatStatus) {
	p, ok := s.findSeat(label)
	if !ok || s.statusAt(p) != from {
		panic(fmt.Sprintf("inventory: seat %q of section %q is not %s", label, s.Name, from))
	}
	row := &s.Rows[p.row]
	row.Seats[p.seat] = to
	row.longest = longestRun(row.Seats)
}

func (s *Section) addCount(status SeatStatus, by int) {
	switch status {
	case Reserved:
		s.Reserved += by
	case Sold:
		s.Sold += by
	case Blocked:
		s.Blocked += by
	case Available: // is the rest
	}
}

func longestRun(seats []SeatStatus) int {
	longest, run := 0, 0
	for _, s := range seats {
		if s != Available {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

func countTickets(items []Item) int {
	n := 0
	for _, item := range items {
		n += item.Quantity
	}
	return n
}
