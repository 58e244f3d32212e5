package availability

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"ticketing/command/inventory"
	"ticketing/projector/db"
	"ticketing/projector/projection"
)

type sectionKey struct{ event, name string }

type seatKey struct {
	sectionKey
	label string
}

func compareSeats(a, b seatKey) int {
	return cmp.Or(cmp.Compare(a.event, b.event), cmp.Compare(a.name, b.name), cmp.Compare(a.label, b.label))
}

// sortedKeys returns the keys in the order in which seats are written everywhere.
func sortedKeys[V any](seats map[seatKey]V) []seatKey {
	return slices.SortedFunc(maps.Keys(seats), compareSeats)
}

// section is a section as the batch leaves it, and by how much the batch moves its counters.
type section struct {
	db.Section

	added  bool
	priced bool     // its price changes
	moved  counters // by how much
}

type counters struct{ capacity, available, reserved, sold, blocked int32 }

// seat is a seat as the batch leaves it, and what the batch does to its row.
type seat struct {
	db.Seat

	added   bool // there was no row
	placed  bool // the row gets another ordinal, which is unique, or another layout: it is written anew
	removed bool
	moved   bool
}

// changes are the sections and seats that a batch changes.
type changes struct {
	sections map[sectionKey]*section
	seats    map[seatKey]*seat
	ordinals map[string]int32 // number of sections, by event
	written  seats            // of the sections that are added
}

func newChanges() *changes {
	return &changes{sections: map[sectionKey]*section{}, seats: map[seatKey]*seat{}, ordinals: map[string]int32{}}
}

func (c *changes) apply(r *projection.Record) error {
	eventID := r.AggregateID()
	switch e := r.Event.(type) {
	case inventory.InventoryAdded:
		return c.addSection(eventID, e)
	case inventory.SectionUpdated:
		return c.updateSection(eventID, e)
	case inventory.SeatsReserved:
		return c.moveItems(eventID, e.Items, inventory.Available, inventory.Reserved)
	case inventory.SeatsConfirmed:
		return c.moveItems(eventID, e.Items, inventory.Reserved, inventory.Sold)
	case inventory.SeatsReleased:
		if e.Sold {
			return c.moveItems(eventID, e.Items, inventory.Sold, inventory.Available)
		}
		return c.moveItems(eventID, e.Items, inventory.Reserved, inventory.Available)
	}
	return r.Misplaced()
}

func (c *changes) addSection(eventID string, e inventory.InventoryAdded) error {
	if err := c.checkSection(eventID, e); err != nil {
		return err
	}
	capacity, err := projection.Integer(e.Capacity)
	if err != nil {
		return fmt.Errorf("capacity: %w", err)
	}
	key := sectionKey{eventID, e.Section}
	c.sections[key] = &section{added: true, Section: db.Section{
		EventID: eventID, Name: e.Section, Ordinal: c.ordinals[eventID], Price: e.Price.Minor, Currency: e.Price.Currency,
		Seated: len(e.Rows) > 0, Capacity: capacity, Available: capacity,
	}}
	c.ordinals[eventID]++
	if c.written == seatsAreThere {
		return nil
	}
	return c.addSeats(key, e.Rows, 0, 0, e.Capacity)
}

// checkSection returns an error if the section can't be added.
func (c *changes) checkSection(eventID string, e inventory.InventoryAdded) error {
	if c.sections[sectionKey{eventID, e.Section}] != nil {
		return fmt.Errorf("section %q exists already", e.Section)
	}
	if seats := countSeats(e.Rows); len(e.Rows) > 0 && seats != e.Capacity {
		return fmt.Errorf("%d seats for a capacity of %d", seats, e.Capacity)
	}
	return nil
}

func countSeats(rows []inventory.Row) (seats int) {
	for _, row := range rows {
		seats += row.Seats
	}
	return seats
}

// addSeats adds the seats of rows, from one number up to another, counted through all rows. The first seat of all has the ordinal start.
func (c *changes) addSeats(key sectionKey, rows []inventory.Row, start int32, from, to int) error {
	before := 0 // seats of the rows before
	for _, row := range rows {
		for i := max(from, before); i < min(to, before+row.Seats); i++ {
			label := row.Label(i - before)
			if known := c.seats[seatKey{key, label}]; known != nil && !known.removed {
				return fmt.Errorf("seat %s is in section %q twice", label, key.name)
			}
			c.addSeat(seatKey{key, label}, start+int32(i)) //nolint:gosec // below the capacity
			c.seats[seatKey{key, label}].Layout = LayoutColumn(row.Layout, i-before)
		}
		before += row.Seats
	}
	return nil
}

// addSeat adds a seat, or one again that the batch removed.
func (c *changes) addSeat(key seatKey, ordinal int32) {
	before := c.seats[key]
	c.seats[key] = &seat{added: before == nil || before.added, placed: before != nil, Seat: db.Seat{
		EventID: key.event, Section: key.name, Label: key.label, Ordinal: ordinal, Status: inventory.Available.String(),
	}}
}

// LayoutColumn returns the column layout of a seat of a row, counted from 0: the first one has it for all.
func LayoutColumn(l *inventory.Layout, seat int) []float64 {
	if l == nil || seat > 0 {
		return nil
	}
	return []float64{l.X, l.Y, l.Rotation}
}

func (c *changes) moveItems(eventID string, items []inventory.Item, from, to inventory.SeatStatus) error {
	for _, item := range items {
		key := sectionKey{eventID, item.Section}
		section := c.sections[key]
		if section == nil {
			return fmt.Errorf("there is no section %q", item.Section)
		}
		if section.Seated != (len(item.Labels) > 0) || (section.Seated && len(item.Labels) != item.Quantity) {
			return fmt.Errorf("%d seats are named for %d of section %q", len(item.Labels), item.Quantity, item.Section)
		}
		if err := section.moveCounters(item.Quantity, from, to); err != nil {
			return fmt.Errorf("count in section %q: %w", item.Section, err)
		}
		for _, label := range item.Labels {
			if err := c.moveSeat(seatKey{key, label}, from, to); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *changes) moveSeat(key seatKey, from, to inventory.SeatStatus) error {
	seat := c.seats[key]
	if seat == nil || seat.removed {
		return fmt.Errorf("there is no seat %s in section %q", key.label, key.name)
	}
	if seat.Status != from.String() {
		return fmt.Errorf("seat %s of section %q is %s, not %s", key.label, key.name, seat.Status, from)
	}
	seat.Status, seat.moved = to.String(), true
	return nil
}

func (s *section) moveCounters(quantity int, from, to inventory.SeatStatus) error {
	n, err := projection.Integer(quantity)
	if err != nil {
		return err
	}
	fromCount, fromMoved := s.counter(from)
	toCount, toMoved := s.counter(to)
	if *fromCount < n {
		return fmt.Errorf("only %d seats are %s, not %d", *fromCount, from, n)
	}
	*fromCount, *fromMoved = *fromCount-n, *fromMoved-n
	*toCount, *toMoved = *toCount+n, *toMoved+n
	return nil
}

func (s *section) counter(status inventory.SeatStatus) (count, moved *int32) {
	switch status {
	case inventory.Available:
		return &s.Available, &s.moved.available
	case inventory.Reserved:
		return &s.Reserved, &s.moved.reserved
	case inventory.Blocked:
		return &s.Blocked, &s.moved.blocked
	default:
		return &s.Sold, &s.moved.sold
	}
}
