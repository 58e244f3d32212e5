package inventory

import (
	"slices"
	"strconv"
	"strings"

	"ticketing/internal/money"
)

// SeatStatus is where a seat stands. String answers the value of the API's SeatStatus.
type SeatStatus byte

// The states of a seat.
const (
	Available SeatStatus = iota
	Reserved
	Sold
)

// String answers the value of the API's SeatStatus.
func (s SeatStatus) String() string {
	return [...]string{"AVAILABLE", "RESERVED", "SOLD"}[s]
}

// State is what one event has to sell, and who holds it. Its maps and slices are shared with the state before: whoever calls
// Evolve owns the state and uses only the answer from then on.
type State struct {
	Sections []*Section
	Holdings map[string]Holding // by reservation
	Tickets  map[string]int     // reserved or sold, by customer
}

// Holding is what one reservation holds or has bought.
type Holding struct {
	CustomerID string
	Items      []Item
	Sold       bool
}

// Section is a part of the inventory with one price: numbered seats when it has rows, else general admission.
type Section struct {
	Name     string
	Price    money.Money
	Capacity int
	Reserved int
	Sold     int
	Rows     []SeatRow
}

// SeatRow holds the states of the seats 1 to len(Seats) of one row.
type SeatRow struct {
	Name    string
	Seats   []SeatStatus
	longest int // of the runs of available seats: lets best-available skip rows
}

// Size estimates the bytes that the state takes in memory.
func (s State) Size() int {
	const perSection, perHolding, perCustomer = 256, 512, 96
	size := perSection*len(s.Sections) + perHolding*len(s.Holdings) + perCustomer*len(s.Tickets)
	for _, section := range s.Sections {
		if section.Seated() {
			size += section.Capacity
		}
	}
	return size
}

// Available answers how many can still be reserved.
func (s *Section) Available() int { return s.Capacity - s.Reserved - s.Sold }

// Seated says whether the section has numbered seats.
func (s *Section) Seated() bool { return len(s.Rows) > 0 }

// Section finds a section by its name; nil when there is none.
func (s State) Section(name string) *Section {
	i := slices.IndexFunc(s.Sections, func(section *Section) bool { return section.Name == name })
	if i < 0 {
		return nil
	}
	return s.Sections[i]
}

// place is where a seat is in its section.
type place struct{ row, seat int }

// find parses a label, "<row>-<number>", and answers where that seat is.
func (s *Section) find(label string) (place, bool) {
	i := strings.LastIndexByte(label, '-')
	if i < 0 {
		return place{}, false
	}
	number, err := strconv.Atoi(label[i+1:])
	if err != nil || strconv.Itoa(number) != label[i+1:] {
		return place{}, false
	}
	row := slices.IndexFunc(s.Rows, func(r SeatRow) bool { return r.Name == label[:i] })
	if row < 0 || number < 1 || number > len(s.Rows[row].Seats) {
		return place{}, false
	}
	return place{row: row, seat: number - 1}, true
}

func (s *Section) label(p place) string {
	return s.Rows[p.row].Name + "-" + strconv.Itoa(p.seat+1)
}

func (s *Section) at(p place) SeatStatus { return s.Rows[p.row].Seats[p.seat] }
