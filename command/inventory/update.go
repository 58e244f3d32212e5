package inventory

import (
	"reflect"
	"strconv"

	"ticketing/command/rejection"
	"ticketing/internal/money"
)

func decideUpdate(s State, c Update) ([]DomainEvent, error) {
	section := s.Section(c.Section)
	if section == nil {
		return nil, rejection.New(rejection.NotFound, "there is no section %q", c.Section).At("section")
	}
	d := newDraft(section)
	e := SectionUpdated{Section: section.Name}
	if c.Price != nil {
		if err := checkPrice(*c.Price, section.Price.Currency); err != nil {
			return nil, err
		}
		d.Price = *c.Price
	}
	var err error
	if section.Seated() {
		err = d.updateSeats(s, c, &e)
	} else {
		err = d.updateCapacity(c)
	}
	if err != nil {
		return nil, err
	}
	e.Price, e.Capacity = d.Price, d.Capacity
	if reflect.DeepEqual(e, SectionUpdated{Section: section.Name, Price: section.Price, Capacity: section.Capacity}) {
		return nil, nil
	}
	return []DomainEvent{e}, nil
}

// checkPrice checks a price of an event whose sections are sold in currency; "" if there are none yet.
func checkPrice(price money.Money, currency string) error {
	switch {
	case price.Minor < 0:
		return rejection.New(rejection.Invalid, "price must not be negative").At("price", "amount")
	case price.Minor > MostPrice:
		most := money.Money{Minor: MostPrice, Currency: price.Currency}
		return rejection.New(rejection.Invalid, "price must be at most %s", most).At("price", "amount")
	case currency != "" && currency != price.Currency:
		return rejection.New(rejection.Invalid, "all sections of an event are sold in one currency, here %s", currency).At("price", "currencyCode")
	}
	return nil
}

func (d *draft) updateCapacity(c Update) error {
	if field := c.seatField(); field != "" {
		return rejection.New(rejection.Invalid, "section %q has no numbered seats", d.Name).At(field)
	}
	if c.Capacity == nil {
		return nil
	}
	if taken := d.Reserved + d.Sold; *c.Capacity < taken {
		return rejection.New(rejection.Invalid, "%d tickets are reserved or sold: capacity cannot be lower", taken).At("capacity")
	}
	d.Capacity = *c.Capacity
	return checkRange(*c.Capacity)
}

// seatField returns a field of c that only numbered seats have; "" if it has none.
func (c Update) seatField() string {
	switch {
	case len(c.Rows) > 0:
		return "rows"
	case len(c.Block) > 0:
		return "block"
	case len(c.Unblock) > 0:
		return "unblock"
	case len(c.Accessible) > 0:
		return "accessible"
	case len(c.RestrictedView) > 0:
		return "restrictedView"
	case len(c.Unmark) > 0:
		return "unmark"
	}
	return ""
}

// updateSeats changes rows and seats, and adds to e what changes.
func (d *draft) updateSeats(s State, c Update, e *SectionUpdated) error {
	if c.Capacity != nil {
		return rejection.New(rejection.Invalid, "the capacity of numbered seats follows from their rows").At("capacity")
	}
	rows, err := readRows(c.Rows, 0)
	if err != nil {
		return err
	}
	before := d.Capacity
	if e.RowsChanged, e.RowsAdded, err = d.setRows(rows); err != nil {
		return err
	}
	if err := d.checkLayouts(rows); err != nil {
		return err
	}
	if d.rewritten > MostSeatsChanged {
		return rejection.New(rejection.Invalid, "this would add, remove or move %d seats; %d are possible at a time", d.rewritten, MostSeatsChanged).At("rows")
	}
	if total := seatedCapacity(s) - before + d.Capacity; total > MostSeats && d.Capacity > before {
		return rejection.New(rejection.Invalid, "an event has at most %d numbered seats, this would make %d", MostSeats, total).At("rows")
	}
	if e.Unblocked, err = d.setStatuses(c.Unblock, Available, "unblock"); err != nil {
		return err
	}
	if e.Blocked, err = d.setStatuses(c.Block, Blocked, "block"); err != nil {
		return err
	}
	e.Marked, err = d.setMarks(c)
	return err
}

// setStatuses blocks or unblocks seats, and returns the labels of those that change.
func (d *draft) setStatuses(labels []string, to SeatStatus, field string) (changed []string, err error) {
	if len(labels) > MostLabels {
		return nil, rejection.New(rejection.Invalid, "%s must be at most %d seats", field, MostLabels).At(field)
	}
	for i, label := range labels {
		p, err := d.findKnown(label, field, i)
		if err != nil {
			return nil, err
		}
		status := d.statusAt(p)
		if status == Reserved || status == Sold {
			if to == Available {
				continue // it is not blocked
			}
			return nil, rejection.New(rejection.SeatUnavailable, "seat %s is reserved or sold", label).At(field, strconv.Itoa(i))
		}
		if status != to {
			d.setStatus(p, to)
			changed = append(changed, d.labelOf(p))
		}
	}
	return changed, nil
}

// setMarks returns the marks of the seats that change.
func (d *draft) setMarks(c Update) (changed []SeatMarks, err error) {
	before := map[place]Mark{}
	var order []place
	for _, list := range []struct {
		field  string
		labels []string
		change func(Mark) Mark
	}{
		{"unmark", c.Unmark, func(Mark) Mark { return 0 }},
		{"accessible", c.Accessible, func(m Mark) Mark { return m | Accessible }},
		{"restrictedView", c.RestrictedView, func(m Mark) Mark { return m | RestrictedView }},
	} {
		if len(list.labels) > MostLabels {
			return nil, rejection.New(rejection.Invalid, "%s must be at most %d seats", list.field, MostLabels).At(list.field)
		}
		for i, label := range list.labels {
			p, err := d.findKnown(label, list.field, i)
			if err != nil {
				return nil, err
			}
			if _, seen := before[p]; !seen {
				before[p] = d.MarksAt(p.row, p.seat)
				order = append(order, p)
			}
			d.setMark(p, list.change(d.MarksAt(p.row, p.seat)))
		}
	}
	for _, p := range order {
		if m := d.MarksAt(p.row, p.seat); m != before[p] {
			changed = append(changed, SeatMarks{Label: d.labelOf(p), Accessible: m&Accessible != 0, RestrictedView: m&RestrictedView != 0})
		}
	}
	return changed, nil
}

func (d *draft) findKnown(label, field string, i int) (place, error) {
	p, ok := d.findSeat(label)
	if !ok {
		return p, rejection.New(rejection.SeatUnavailable, "section %q has no seat %q", d.Name, label).At(field, strconv.Itoa(i))
	}
	return p, nil
}
