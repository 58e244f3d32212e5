package inventory

import (
	"slices"
	"strings"

	"ticketing/internal/money"
	"ticketing/internal/text"
)

// SeatStatus is the state of a seat.
type SeatStatus byte

// The states of a seat.
const (
	Available SeatStatus = iota
	Reserved
	Sold
	Blocked // not for sale
)

// Mark is what a customer should know of a seat.
type Mark byte

// The marks, which a seat may have any of.
const (
	Accessible Mark = 1 << iota
	RestrictedView

	allMarks = Accessible | RestrictedView
)

// String returns the value of the API's SeatStatus.
func (s SeatStatus) String() string {
	return [...]string{"AVAILABLE", "RESERVED", "SOLD", "BLOCKED"}[s]
}

// State is what one event has to sell, and which reservation has what of it. Evolve changes the maps and sections of the state that it
// gets: its caller must own that state, and go on with the result only.
type State struct { //nolint:recvcheck // decisions read it by value; only Evolve and reading a snapshot change it
	Sections []*Section
	Holdings map[string]Holding // by reservation
	Tickets  map[string]int     // reserved or sold, by customer

	unpaid   map[string]map[string]bool // reservations whose seats are not sold, by customer
	replaced *Section                   // what the last SectionUpdated replaced, to take it back
}

// Holding is what one reservation has, reserved or sold.
type Holding struct {
	CustomerID string
	Items      []Item
	Sold       bool
}

// Section is a part of the inventory with one price. It has numbered seats if it has rows, otherwise general admission.
type Section struct {
	Name     string
	Price    money.Money
	Capacity int
	Reserved int
	Sold     int
	Blocked  int
	Rows     []SeatRow

	folded string
	rowAt  map[string]int // index of a row, by its name and by its folded name
}

// SeatRow is a row with the status of its seats.
type SeatRow struct {
	Name string
	Numbering
	Layout  *Layout // nil in all rows of a section, or in none
	Seats   []SeatStatus
	Marks   []Mark // of each seat; nil while none has any
	longest int    // length of the longest run of available seats: lets best-available skip rows
}

// hold sets what a reservation has. State changes its holdings only through hold and drop, which keep the index of unpaid ones.
func (s *State) hold(reservationID string, h Holding) {
	s.drop(reservationID)
	if s.Holdings == nil {
		s.Holdings = map[string]Holding{}
	}
	if s.unpaid == nil {
		s.unpaid = map[string]map[string]bool{}
	}
	s.Holdings[reservationID] = h
	if h.Sold {
		return
	}
	if s.unpaid[h.CustomerID] == nil {
		s.unpaid[h.CustomerID] = map[string]bool{}
	}
	s.unpaid[h.CustomerID][reservationID] = true
}

// drop removes a reservation's holding, if it has one.
func (s *State) drop(reservationID string) {
	h, held := s.Holdings[reservationID]
	if !held {
		return
	}
	delete(s.Holdings, reservationID)
	if h.Sold {
		return
	}
	delete(s.unpaid[h.CustomerID], reservationID)
	if len(s.unpaid[h.CustomerID]) == 0 {
		delete(s.unpaid, h.CustomerID)
	}
}

// holdsUnpaid reports whether the seat is in one of the customer's unpaid reservations.
func (s State) holdsUnpaid(customerID, section, label string) bool {
	for reservationID := range s.unpaid[customerID] {
		for _, item := range s.Holdings[reservationID].Items {
			if item.Section == section && slices.Contains(item.Labels, label) {
				return true
			}
		}
	}
	return false
}

// MostTickets returns the most tickets that one reservation and one customer have, reserved or sold.
func (s State) MostTickets() (ofReservation, ofCustomer int) {
	for _, h := range s.Holdings {
		ofReservation = max(ofReservation, countTickets(h.Items))
	}
	for _, n := range s.Tickets {
		ofCustomer = max(ofCustomer, n)
	}
	return ofReservation, ofCustomer
}

// Size estimates how many bytes of memory the state takes.
func (s State) Size() int {
	const perSection, perHolding, perCustomer = 256, 512, 96
	size := perSection*len(s.Sections) + perHolding*len(s.Holdings) + perCustomer*len(s.Tickets) + s.replaced.size()
	for _, section := range s.Sections {
		size += section.size()
	}
	return size
}

func (s *Section) size() int {
	const perRow, perLabel = 152, 24
	if s == nil {
		return 0
	}
	size := perRow * len(s.Rows)
	for _, row := range s.Rows {
		size += len(row.Seats) + len(row.Marks) + perLabel*len(row.Labels)
	}
	return size
}

// Available returns how many tickets can still be reserved.
func (s *Section) Available() int { return s.Capacity - s.Reserved - s.Sold - s.Blocked }

// Seated reports whether the section has numbered seats.
func (s *Section) Seated() bool { return len(s.Rows) > 0 }

// Section returns the section with this name, or else the first one whose name is equal when folded, or nil. Only sections that were added
// before names were compared folded can have twins.
func (s State) Section(name string) *Section {
	i := slices.IndexFunc(s.Sections, func(section *Section) bool { return section.Name == name })
	if i < 0 {
		folded := text.Fold(name)
		i = slices.IndexFunc(s.Sections, func(section *Section) bool { return section.folded == folded })
	}
	if i < 0 {
		return nil
	}
	return s.Sections[i]
}

// place is the position of a seat in its section, counted from 0.
type place struct{ row, seat int }

// findSeat returns the place of the seat with this label, "<row>-<number>".
func (s *Section) findSeat(label string) (place, bool) {
	i := strings.LastIndexByte(label, '-')
	if i < 0 {
		return place{}, false
	}
	row, ok := s.findRow(label[:i])
	if !ok {
		return place{}, false
	}
	seat, ok := s.Rows[row].findNumber(label[i+1:], len(s.Rows[row].Seats))
	return place{row: row, seat: seat}, ok
}

func (s *Section) findRow(name string) (int, bool) {
	row, ok := s.rowAt[name]
	if !ok {
		row, ok = s.rowAt[text.Fold(name)]
	}
	return row, ok
}

// indexNames makes the section and its rows found by their names. Twins that were stored before names were compared folded are found by
// their exact names; folded, the first one counts.
func (s *Section) indexNames() {
	s.folded = text.Fold(s.Name)
	s.rowAt = make(map[string]int, len(s.Rows))
	for i, row := range s.Rows {
		s.rowAt[row.Name] = i
	}
	for i, row := range s.Rows {
		folded := text.Fold(row.Name)
		if _, taken := s.rowAt[folded]; !taken {
			s.rowAt[folded] = i
		}
	}
}

func (s *Section) labelOf(p place) string {
	return s.Rows[p.row].Label(p.seat)
}

func (s *Section) statusAt(p place) SeatStatus { return s.Rows[p.row].Seats[p.seat] }
