package availability

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"ticketing/command/inventory"
	"ticketing/projector/projection"
)

func (c *changes) updateSection(eventID string, e inventory.SectionUpdated) error {
	key := sectionKey{eventID, e.Section}
	section := c.sections[key]
	if section == nil {
		return fmt.Errorf("there is no section %q", e.Section)
	}
	capacity, err := projection.Integer(e.Capacity)
	if err != nil {
		return fmt.Errorf("capacity: %w", err)
	}
	if err := c.changeRows(key, section, e.RowsChanged); err != nil {
		return err
	}
	if section.Seated {
		seats := countSeats(e.RowsAdded)
		if int(section.Capacity)+seats != e.Capacity {
			return fmt.Errorf("%d seats for a capacity of %d", int(section.Capacity)+seats, capacity)
		}
		if err := c.addSeats(key, e.RowsAdded, section.Capacity, 0, seats); err != nil {
			return err
		}
	}
	section.resize(capacity)
	if section.Available < 0 {
		return fmt.Errorf("section %q would have %d available", e.Section, section.Available)
	}
	section.priced = section.priced || section.Price != e.Price.Minor
	section.Price = e.Price.Minor
	if err := c.moveSeats(key, e.Unblocked, inventory.Blocked, inventory.Available); err != nil {
		return err
	}
	if err := c.moveSeats(key, e.Blocked, inventory.Available, inventory.Blocked); err != nil {
		return err
	}
	return c.markSeats(key, e.Marked)
}

// resize moves the capacity, and what is available with it.
func (s *section) resize(capacity int32) {
	by := capacity - s.Capacity
	s.Capacity, s.Available = s.Capacity+by, s.Available+by
	s.moved.capacity, s.moved.available = s.moved.capacity+by, s.moved.available+by
}

func (c *changes) moveSeats(key sectionKey, labels []string, from, to inventory.SeatStatus) error {
	if len(labels) == 0 {
		return nil
	}
	return c.moveItems(key.event, []inventory.Item{{Section: key.name, Quantity: len(labels), Labels: labels}}, from, to)
}

func (c *changes) markSeats(key sectionKey, marked []inventory.SeatMarks) error {
	for _, m := range marked {
		seat := c.seats[seatKey{key, m.Label}]
		if seat == nil || seat.removed {
			return fmt.Errorf("there is no seat %s in section %q", m.Label, key.name)
		}
		seat.Accessible, seat.RestrictedView, seat.moved = m.Accessible, m.RestrictedView, true
	}
	return nil
}

// rowSeats are the seats of a row, in order.
type rowSeats struct {
	name  string
	seats []*seat
}

// changeRows changes rows of a section. All its seats must have been loaded: those behind move up or down.
func (c *changes) changeRows(key sectionKey, section *section, changed []inventory.Row) error {
	if len(changed) == 0 {
		return nil
	}
	rows := c.rowsOf(key)
	for _, row := range changed {
		i := slices.IndexFunc(rows, func(r rowSeats) bool { return r.name == row.Name })
		if i < 0 {
			return fmt.Errorf("there is no row %q in section %q", row.Name, key.name)
		}
		seats, err := c.changeRow(key, section, rows[i].seats, row)
		if err != nil {
			return err
		}
		rows[i].seats = seats
	}
	ordinal := int32(0)
	for _, row := range rows {
		for _, seat := range row.seats {
			if seat.Ordinal != ordinal {
				seat.Ordinal, seat.placed = ordinal, true
			}
			ordinal++
		}
	}
	section.resize(ordinal)
	return nil
}

// rowsOf returns the rows of a section in order.
func (c *changes) rowsOf(key sectionKey) (rows []rowSeats) {
	var seats []*seat
	for k, seat := range c.seats {
		if k.sectionKey == key && !seat.removed {
			seats = append(seats, seat)
		}
	}
	slices.SortFunc(seats, func(a, b *seat) int { return cmp.Compare(a.Ordinal, b.Ordinal) })
	for _, seat := range seats {
		name := seat.Label[:max(strings.LastIndexByte(seat.Label, '-'), 0)]
		if len(rows) == 0 || rows[len(rows)-1].name != name {
			rows = append(rows, rowSeats{name: name})
		}
		last := &rows[len(rows)-1]
		last.seats = append(last.seats, seat)
	}
	return rows
}

// changeRow returns the seats of a row as it is from now on.
func (c *changes) changeRow(key sectionKey, section *section, before []*seat, row inventory.Row) (after []*seat, err error) {
	labels := make(map[string]bool, row.Seats)
	for i := range row.Seats {
		labels[row.Label(i)] = true
	}
	for _, seat := range before {
		switch {
		case labels[seat.Label]:
			continue
		case seat.Status == inventory.Blocked.String(): // a seat that is gone was available: see resize
			if err := section.moveCounters(1, inventory.Blocked, inventory.Available); err != nil {
				return nil, err
			}
		case seat.Status != inventory.Available.String():
			return nil, fmt.Errorf("seat %s of section %q is %s and must stay", seat.Label, key.name, seat.Status)
		}
		seat.removed = true
	}
	for i := range row.Seats {
		k := seatKey{key, row.Label(i)}
		if known := c.seats[k]; known == nil || known.removed {
			c.addSeat(k, -1) // changeRows places it
		}
		if seat, layout := c.seats[k], LayoutColumn(row.Layout, i); !slices.Equal(seat.Layout, layout) {
			seat.Layout, seat.placed = layout, true
		}
		after = append(after, c.seats[k])
	}
	return after, nil
}
