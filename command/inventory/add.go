package inventory

import (
	"strconv"

	"ticketing/command/rejection"
	"ticketing/internal/money"
	"ticketing/internal/text"
)

func decideAdd(s State, c Add) ([]DomainEvent, error) {
	name, err := rejection.ReadName(c.Section, LongestSectionName, "section")
	if err != nil {
		return nil, err
	}
	if twin := s.Section(name); twin != nil {
		return nil, rejection.New(rejection.Invalid, "section %q already exists", twin.Name).At("section")
	}
	if len(s.Sections) >= MostSections {
		return nil, rejection.New(rejection.Invalid, "an event has at most %d sections", MostSections).At("section")
	}
	if c.Price.Minor < 0 {
		return nil, rejection.New(rejection.Invalid, "price must not be negative").At("price", "amount")
	}
	if c.Price.Minor > MostPrice {
		most := money.Money{Minor: MostPrice, Currency: c.Price.Currency}
		return nil, rejection.New(rejection.Invalid, "price must be at most %s", most).At("price", "amount")
	}
	if len(s.Sections) > 0 && s.Sections[0].Price.Currency != c.Price.Currency {
		return nil, rejection.New(rejection.Invalid, "all sections of an event are sold in one currency, here %s", s.Sections[0].Price.Currency).At("price", "currencyCode")
	}
	capacity, rows, err := checkCapacity(s, c)
	if err != nil {
		return nil, err
	}
	return []DomainEvent{InventoryAdded{Section: name, Price: c.Price, Capacity: capacity, Rows: rows}}, nil
}

func checkCapacity(s State, c Add) (int, []Row, error) {
	switch {
	case (c.Capacity == nil) == (len(c.Rows) == 0):
		return 0, nil, rejection.New(rejection.Invalid, "give either capacity (general admission) or rows (numbered seats)").At("capacity")
	case c.Capacity == nil:
		return readRows(s, c.Rows)
	case *c.Capacity < 1 || *c.Capacity > MostCapacity:
		return 0, nil, rejection.New(rejection.Invalid, "capacity must be between 1 and %d", MostCapacity).At("capacity")
	}
	return *c.Capacity, nil, nil
}

// readRows returns the rows as they are stored, and the number of their seats.
func readRows(s State, typed []Row) (seats int, rows []Row, err error) {
	if len(typed) > MostRows {
		return 0, nil, rejection.New(rejection.Invalid, "a section has at most %d rows", MostRows).At("rows")
	}
	rows = make([]Row, len(typed))
	names := make(map[string]bool, len(typed))
	for i, r := range typed {
		at := strconv.Itoa(i)
		name, err := rejection.ReadName(r.Name, LongestRowName, "rows", at, "row")
		folded := text.Fold(name)
		switch {
		case err != nil:
			return 0, nil, err
		case names[folded]:
			return 0, nil, rejection.New(rejection.Invalid, "row %q is listed twice", name).At("rows", at, "row")
		case r.Seats < 1 || r.Seats > MostSeatsInRow:
			return 0, nil, rejection.New(rejection.Invalid, "seats must be between 1 and %d", MostSeatsInRow).At("rows", at, "seats")
		}
		names[folded] = true
		rows[i] = Row{Name: name, Seats: r.Seats}
		seats += r.Seats
	}
	if total := seats + seatedCapacity(s); total > MostSeats {
		return 0, nil, rejection.New(rejection.Invalid, "an event has at most %d numbered seats, this would make %d", MostSeats, total).At("rows")
	}
	return seats, rows, nil
}

func seatedCapacity(s State) int {
	n := 0
	for _, section := range s.Sections {
		if section.Seated() {
			n += section.Capacity
		}
	}
	return n
}
