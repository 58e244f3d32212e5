package inventory

import (
	"strconv"
	"strings"

	"ticketing/command/rejection"
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
	if err := checkPrice(c.Price, s.currency()); err != nil {
		return nil, err
	}
	capacity, rows, err := checkCapacity(s, c)
	if err != nil {
		return nil, err
	}
	added := InventoryAdded{Section: name, Price: c.Price, Capacity: capacity, Rows: rows}
	if err := newSection(added).checkLayouts(rows); err != nil {
		return nil, err
	}
	return []DomainEvent{added}, nil
}

// currency returns the currency of all sections; "" if there are none.
func (s State) currency() string {
	if len(s.Sections) == 0 {
		return ""
	}
	return s.Sections[0].Price.Currency
}

func checkCapacity(s State, c Add) (int, []Row, error) {
	switch {
	case (c.Capacity == nil) == (len(c.Rows) == 0):
		return 0, nil, rejection.New(rejection.Invalid, "give either capacity (general admission) or rows (numbered seats)").At("capacity")
	case c.Capacity == nil:
		return readNewRows(s, c.Rows)
	}
	return *c.Capacity, nil, checkRange(*c.Capacity)
}

func checkRange(capacity int) error {
	if capacity < 1 || capacity > MostCapacity {
		return rejection.New(rejection.Invalid, "capacity must be between 1 and %d", MostCapacity).At("capacity")
	}
	return nil
}

// readNewRows returns the rows as they are stored, and the number of their seats.
func readNewRows(s State, typed []Row) (seats int, rows []Row, err error) {
	rows, err = readRows(typed, 1)
	if err != nil {
		return 0, nil, err
	}
	for _, r := range rows {
		seats += r.Seats
	}
	if total := seats + seatedCapacity(s); total > MostSeats {
		return 0, nil, rejection.New(rejection.Invalid, "an event has at most %d numbered seats, this would make %d", MostSeats, total).At("rows")
	}
	return seats, rows, nil
}

// readRows returns rows of at least so many seats as they are stored.
func readRows(typed []Row, least int) ([]Row, error) {
	if len(typed) > MostRows {
		return nil, rejection.New(rejection.Invalid, "a section has at most %d rows", MostRows).At("rows")
	}
	rows := make([]Row, len(typed))
	names := make(map[string]bool, len(typed))
	for i, r := range typed {
		at := strconv.Itoa(i)
		name, err := rejection.ReadName(r.Name, LongestRowName, "rows", at, "row")
		folded := text.Fold(name)
		switch {
		case err != nil:
			return nil, err
		case names[folded]:
			return nil, rejection.New(rejection.Invalid, "row %q is listed twice", name).At("rows", at, "row")
		case r.Seats < least || r.Seats > MostSeatsInRow:
			return nil, rejection.New(rejection.Invalid, "seats must be between %d and %d", least, MostSeatsInRow).At("rows", at, "seats")
		}
		names[folded] = true
		rows[i] = Row{Name: name, Seats: r.Seats, Layout: r.Layout}
		if rows[i].Numbering, err = r.readNumbering(at); err != nil {
			return nil, err
		}
		if err := r.checkLayout(at); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// readNumbering returns the numbering of the row at this index of a request as it is stored: what is as by default, is left out.
func (r Row) readNumbering(at string) (n Numbering, err error) {
	n = r.Numbering
	switch {
	case n.First < 0 || n.First > MostFirstNumber:
		return n, rejection.New(rejection.Invalid, "firstNumber must be between 1 and %d", MostFirstNumber).At("rows", at, "firstNumber")
	case n.Step < 0 || n.Step > MostStep:
		return n, rejection.New(rejection.Invalid, "step must be between 1 and %d", MostStep).At("rows", at, "step")
	case len(n.Labels) > 0 && (n.First != 0 || n.Step != 0):
		return n, rejection.New(rejection.Invalid, "give either labels, or firstNumber and step").At("rows", at, "labels")
	case len(n.Labels) > 0 && len(n.Labels) != r.Seats:
		return n, rejection.New(rejection.Invalid, "%d labels are given for %d seats", len(n.Labels), r.Seats).At("rows", at, "labels")
	}
	if n.First == 1 {
		n.First = 0
	}
	if n.Step == 1 {
		n.Step = 0
	}
	n.Labels, err = readLabels(n.Labels, at)
	return n, err
}

// readLabels returns the numbers of the seats of a row. They have no hyphen: the last one of a seat's label is where its row's name ends.
func readLabels(typed []string, row string) ([]string, error) {
	if len(typed) == 0 {
		return nil, nil
	}
	labels, seen := make([]string, len(typed)), make(map[string]bool, len(typed))
	for i, label := range typed {
		path := []string{"rows", row, "labels", strconv.Itoa(i)}
		label, err := rejection.ReadName(label, LongestSeatNumber, path...)
		folded := text.Fold(label)
		switch {
		case err != nil:
			return nil, err
		case strings.Contains(label, "-"):
			return nil, rejection.New(rejection.Invalid, "the label of a seat must not contain a hyphen").At(path...)
		case seen[folded]:
			return nil, rejection.New(rejection.Invalid, "label %q is listed twice", label).At(path...)
		}
		seen[folded] = true
		labels[i] = label
	}
	return labels, nil
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
