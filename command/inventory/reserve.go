package inventory

import (
	"slices"
	"strconv"

	"ticketing/command/rejection"
)

// decideReserve checks the whole request before it checks what is available. A rejection names the item that causes it.
func decideReserve(s State, c Reserve) ([]DomainEvent, error) {
	if len(c.Items) == 0 || len(c.Items) > MostItems {
		return nil, rejection.New(rejection.Invalid, "items must be 1 to %d", MostItems).At("items")
	}
	if _, held := s.Holdings[c.ReservationID]; held { // a second holding would replace the first, whose seats could never be released
		return nil, rejection.New(rejection.InvalidState, "the reservation already has seats")
	}
	wanted, err := s.checkItems(c)
	if err != nil {
		return nil, err
	}
	tickets, unpaid := s.countTaken(c)
	if c.MaxPerCustomer != nil && tickets+wanted > *c.MaxPerCustomer {
		return nil, rejection.New(rejection.LimitExceeded, "a customer may have at most %d tickets of this event, you have %d",
			*c.MaxPerCustomer, tickets).At("items")
	}
	if c.MaxUnpaid > 0 && unpaid >= c.MaxUnpaid {
		return nil, rejection.New(rejection.LimitExceeded, "you have %d unpaid reservations of this event: pay or cancel one of them first", unpaid)
	}
	items, err := s.pickSeats(c)
	if err != nil {
		return nil, err
	}
	return []DomainEvent{SeatsReserved{ReservationID: c.ReservationID, CustomerID: c.CustomerID, Items: items}}, nil
}

// countTaken returns how many tickets and unpaid reservations the customer has. Of their guests only tickets count that cost money: any guest may
// give any address, and must not use up its owner's limits for nothing.
func (s State) countTaken(c Reserve) (tickets, unpaid int) {
	tickets, unpaid = s.Tickets[c.CustomerID], len(s.unpaid[c.CustomerID])
	if slices.ContainsFunc(s.Sections, func(section *Section) bool { return section.Price.Minor == 0 }) {
		return tickets, unpaid
	}
	for _, guest := range c.Linked {
		tickets += s.Tickets[guest]
		for reservationID := range s.unpaid[guest] {
			tickets -= countTickets(s.Holdings[reservationID].Items)
		}
	}
	return tickets, unpaid
}

// checkItems checks each item by itself and the sum against the limit, and returns the number of tickets requested.
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
			return 0, rejection.New(rejection.LimitExceeded, "a reservation may have at most %d tickets", c.MaxPerReservation).At("items", at, requestedField(item))
		}
	}
	return wanted, nil
}

func requestedField(item ReserveItem) string {
	if item.Quantity != nil {
		return "quantity"
	}
	return "seats"
}

// pickSeats selects the named seats of all items first, so that best-available does not choose a seat that another item names. The tickets
// that several items want of one section are chosen together, and only when all that is wanted is there: a request that is rejected
// searches for no seats.
func (s State) pickSeats(c Reserve) ([]Item, error) {
	requested := c.Items
	selections := make([]*selection, 0, len(requested))
	bySection := make(map[*Section]*selection, len(requested))
	for i, item := range requested {
		section := s.Section(item.Section)
		sel := bySection[section]
		if sel == nil {
			sel = newSelection(section)
			bySection[section], selections = sel, append(selections, sel)
		}
		for j, label := range item.Labels {
			if err := sel.addNamed(label); err != nil {
				if s.holdsUnpaid(c.CustomerID, section.Name, label) {
					err = rejection.New(rejection.SeatUnavailable, "you hold seat %s already", label)
				}
				return nil, err.At("items", strconv.Itoa(i), "seats", strconv.Itoa(j))
			}
		}
	}
	for i, item := range requested {
		if item.Quantity == nil {
			continue
		}
		if err := bySection[s.Section(item.Section)].want(*item.Quantity); err != nil {
			return nil, err.At("items", strconv.Itoa(i), "quantity")
		}
	}
	items := make([]Item, len(selections))
	for i, sel := range selections {
		sel.addBest()
		items[i] = sel.toItem()
	}
	return items, nil
}
