package inventory

import (
	"strconv"

	"ticketing/command/rejection"
)

func decideAdd(s State, c Add) ([]DomainEvent, error) {
	if err := rejection.CheckName(c.Section, LongestSectionName, "section"); err != nil {
		return nil, err
	}
	if s.Section(c.Section) != nil {
		return nil, rejection.New(rejection.Invalid, "section %q already exists", c.Section).At("section")
	}
	if len(s.Sections) >= MostSections {
		return nil, rejection.New(rejection.Invalid, "an event has at most %d sections", MostSections).At("section")
	}
	if c.Price.Minor < 0 {
		return nil, rejection.New(rejection.Invalid, "price must not be negative").At("price", "amount")
	}
	if len(s.Sections) > 0 && s.Sections[0].Price.Currency != c.Price.Currency {
		return nil, rejection.New(rejection.Invalid, "all sections of an event are sold in one currency, here %s", s.Sections[0].Price.Currency).At("price", "currencyCode")
	}
	capacity, err := checkCapacity(s, c)
	if err != nil {
		return nil, err
	}
	return []DomainEvent{InventoryAdded{Section: c.Section, Price: c.Price, Capacity: capacity, Rows: c.Rows}}, nil
}

func checkCapacity(s State, c Add) (int, error) {
	switch {
	case (c.Capacity == nil) == (len(c.Rows) == 0):
		return 0, rejection.New(rejection.Invalid, "give either capacity (general admission) or rows (numbered seats)").At("capacity")
	case c.Capacity == nil:
		return countSeats(s, c.Rows)
	case *c.Capacity < 1 || *c.Capacity > MostCapacity:
		return 0, rejection.New(rejection.Invalid, "capacity must be between 1 and %d", MostCapacity).At("capacity")
	}
	return *c.Capacity, nil
}

func countSeats(s State, rows []Row) (int, error) {
	if len(rows) > MostRows {
		return 0, rejection.New(rejection.Invalid, "a section has at most %d rows", MostRows).At("rows")
	}
	names, seats := make(map[string]bool, len(rows)), 0
	for i, r := range rows {
		at := strconv.Itoa(i)
		if err := rejection.CheckName(r.Name, LongestRowName, "rows", at, "row"); err != nil {
			return 0, err
		}
		switch {
		case names[r.Name]:
			return 0, rejection.New(rejection.Invalid, "row %q is listed twice", r.Name).At("rows", at, "row")
		case r.Seats < 1 || r.Seats > MostSeatsInRow:
			return 0, rejection.New(rejection.Invalid, "seats must be between 1 and %d", MostSeatsInRow).At("rows", at, "seats")
		}
		names[r.Name] = true
		seats += r.Seats
	}
	if total := seats + seatedCapacity(s); total > MostSeats {
		return 0, rejection.New(rejection.Invalid, "an event has at most %d numbered seats, this would make %d", MostSeats, total).At("rows")
	}
	return seats, nil
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
