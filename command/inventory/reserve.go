package inventory

import (
	"strconv"

	"ticketing/command/rejection"
)

// decideReserve checks the whole wish before it looks at what is left, names the item that is to blame, and takes all or nothing.
func decideReserve(s State, c Reserve) ([]DomainEvent, error) {
	if len(c.Items) == 0 || len(c.Items) > MostItems {
		return nil, rejection.New(rejection.Invalid, "items must be 1 to %d", MostItems).At("items")
	}
	if _, held := s.Holdings[c.ReservationID]; held { // a second holding would bury the first, whose seats nobody could free
		return nil, rejection.New(rejection.InvalidState, "the reservation holds seats already")
	}
	wanted, err := s.checkItems(c)
	if err != nil {
		return nil, err
	}
	if c.MaxPerCustomer != nil && s.Tickets[c.CustomerID]+wanted > *c.MaxPerCustomer {
		return nil, rejection.New(rejection.LimitExceeded, "a customer may have at most %d tickets of this event, you have %d",
			*c.MaxPerCustomer, s.Tickets[c.CustomerID]).At("items")
	}
	items, err := s.take(c.Items)
	if err != nil {
		return nil, err
	}
	return []DomainEvent{SeatsReserved{ReservationID: c.ReservationID, CustomerID: c.CustomerID, Items: items}}, nil
}

// checkItems answers how many tickets are wanted, after checking each item for itself and the sum against the limit.
func (s State) checkItems(c Reserve) (int, error) {
	wanted := 0
	for i, item := range c.Items {
		at := strconv.Itoa(i)
		section := s.Section(item.Section)
		n := len(item.Labels)
		switch {
		case section == nil:
			return 0, rejection.New(rejection.NotFound, "there is no section %q", item.Section).At("items", at, "section")
		case (item.Quantity == nil) == (n == 0):
			return 0, rejection.New(rejection.Invalid, "give either quantity (best available) or seats").At("items", at)
		case item.Quantity == nil && !section.Seated():
			return 0, rejection.New(rejection.Invalid, "section %q has no numbered seats: give quantity", section.Name).At("items", at, "seats")
		case n > MostLabels:
			return 0, rejection.New(rejection.Invalid, "seats must be at most %d", MostLabels).At("items", at, "seats")
		case item.Quantity != nil:
			n = *item.Quantity
		}
		if n < 1 {
			return 0, rejection.New(rejection.Invalid, "quantity must be at least 1").At("items", at, "quantity")
		}
		if wanted += n; n > c.MaxPerReservation || wanted > c.MaxPerReservation {
			return 0, rejection.New(rejection.LimitExceeded, "a reservation may have at most %d tickets", c.MaxPerReservation).At("items", at, wish(item))
		}
	}
	return wanted, nil
}

func wish(item ReserveItem) string {
	if item.Quantity != nil {
		return "quantity"
	}
	return "seats"
}

// take picks the seats: the named ones of all items first, so that best-available does not choose what the same customer named.
func (s State) take(wishes []ReserveItem) ([]Item, error) {
	picks := make([]*pick, 0, len(wishes))
	bySection := make(map[string]*pick, len(wishes))
	for i, w := range wishes {
		p := bySection[w.Section]
		if p == nil {
			p = &pick{section: s.Section(w.Section)}
			bySection[w.Section], picks = p, append(picks, p)
		}
		for j, label := range w.Labels {
			if err := p.name(label); err != nil {
				return nil, err.At("items", strconv.Itoa(i), "seats", strconv.Itoa(j))
			}
		}
	}
	for i, w := range wishes {
		if w.Quantity == nil {
			continue
		}
		if err := bySection[w.Section].best(*w.Quantity); err != nil {
			return nil, err.At("items", strconv.Itoa(i), "quantity")
		}
	}
	items := make([]Item, len(picks))
	for i, p := range picks {
		items[i] = p.item()
	}
	return items, nil
}
