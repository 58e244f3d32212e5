package projector

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"

	"ticketing/command/inventory"
	"ticketing/projector/db"
)

const (
	seatAvailable = "AVAILABLE"
	seatReserved  = "RESERVED"
	seatSold      = "SOLD"
)

type sectionKey struct{ event, name string }

type seatKey struct {
	sectionKey
	label string
}

func (k seatKey) compare(other seatKey) int {
	return cmp.Or(cmp.Compare(k.event, other.event), cmp.Compare(k.name, other.name), cmp.Compare(k.label, other.label))
}

// section is a section as the batch leaves it, and by how much the batch moved its counters.
type section struct {
	db.Section
	added                                    bool
	movedAvailable, movedReserved, movedSold int32
}

type seat struct {
	status  string
	ordinal int32
	added   bool
	moved   bool
}

// stock is what a batch of the availability projection works on.
type stock struct {
	sections map[sectionKey]*section
	seats    map[seatKey]*seat
	ordinals map[string]int32 // sections of an event
}

func newStock() *stock {
	return &stock{sections: map[sectionKey]*section{}, seats: map[seatKey]*seat{}, ordinals: map[string]int32{}}
}

func (s *stock) evolve(r *Record) error {
	switch e := r.Event.(type) {
	case inventory.InventoryAdded:
		return s.add(r.subject(), e)
	case inventory.SeatsReserved:
		return s.move(r.subject(), e.Items, seatAvailable, seatReserved)
	case inventory.SeatsConfirmed:
		return s.move(r.subject(), e.Items, seatReserved, seatSold)
	case inventory.SeatsReleased:
		if e.Sold {
			return s.move(r.subject(), e.Items, seatSold, seatAvailable)
		}
		return s.move(r.subject(), e.Items, seatReserved, seatAvailable)
	}
	return errOrder(r)
}

func (s *stock) add(eventID string, e inventory.InventoryAdded) error {
	key := sectionKey{eventID, e.Section}
	if s.sections[key] != nil {
		return fmt.Errorf("section %q is there already", e.Section)
	}
	capacity, err := integer(e.Capacity)
	if err != nil {
		return fmt.Errorf("capacity: %w", err)
	}
	s.sections[key] = &section{added: true, Section: db.Section{
		EventID: eventID, Name: e.Section, Ordinal: s.ordinals[eventID], Price: e.Price.Minor, Currency: e.Price.Currency,
		Seated: len(e.Rows) > 0, Capacity: capacity, Available: capacity,
	}}
	s.ordinals[eventID]++
	ordinal := int32(0)
	for _, row := range e.Rows {
		for number := 1; number <= row.Seats; number++ {
			label := row.Name + "-" + strconv.Itoa(number)
			s.seats[seatKey{key, label}] = &seat{status: seatAvailable, ordinal: ordinal, added: true}
			ordinal++
		}
	}
	if len(e.Rows) > 0 && ordinal != capacity {
		return fmt.Errorf("%d seats for a capacity of %d", ordinal, capacity)
	}
	return nil
}

func (s *stock) move(eventID string, items []inventory.Item, from, to string) error {
	for _, item := range items {
		key := sectionKey{eventID, item.Section}
		section := s.sections[key]
		if section == nil {
			return fmt.Errorf("there is no section %q", item.Section)
		}
		if section.Seated != (len(item.Labels) > 0) || (section.Seated && len(item.Labels) != item.Quantity) {
			return fmt.Errorf("%d seats are named for %d of section %q", len(item.Labels), item.Quantity, item.Section)
		}
		if err := section.move(item.Quantity, from, to); err != nil {
			return fmt.Errorf("section %q: %w", item.Section, err)
		}
		for _, label := range item.Labels {
			if err := s.moveSeat(seatKey{key, label}, from, to); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *stock) moveSeat(key seatKey, from, to string) error {
	seat := s.seats[key]
	if seat == nil {
		return fmt.Errorf("there is no seat %s in section %q", key.label, key.name)
	}
	if seat.status != from {
		return fmt.Errorf("seat %s of section %q is %s, not %s", key.label, key.name, seat.status, from)
	}
	seat.status, seat.moved = to, true
	return nil
}

func (s *section) move(quantity int, from, to string) error {
	n, err := integer(quantity)
	if err != nil {
		return err
	}
	fromCount, fromMoved := s.counter(from)
	toCount, toMoved := s.counter(to)
	if *fromCount < n {
		return errors.New("more than there are would stop being " + from)
	}
	*fromCount, *fromMoved = *fromCount-n, *fromMoved-n
	*toCount, *toMoved = *toCount+n, *toMoved+n
	return nil
}

func (s *section) counter(status string) (count, moved *int32) {
	switch status {
	case seatAvailable:
		return &s.Available, &s.movedAvailable
	case seatReserved:
		return &s.Reserved, &s.movedReserved
	default:
		return &s.Sold, &s.movedSold
	}
}

// save writes what the batch added and moved.
func (s *stock) save(ctx context.Context, q *db.Queries) error {
	if err := s.saveSections(ctx, q); err != nil {
		return fmt.Errorf("projector: save sections: %w", err)
	}
	if err := s.saveSeats(ctx, q); err != nil {
		return fmt.Errorf("projector: save seats: %w", err)
	}
	return nil
}
