package inventory

import "fmt"

// Revert returns the state before e, the last domain event that made s. Like Evolve it changes s in place.
func Revert(s State, e DomainEvent) State {
	switch e := e.(type) {
	case InventoryAdded:
		s.Sections = s.Sections[:len(s.Sections)-1]
	case SectionUpdated:
		if s.replaced == nil {
			panic("inventory: only the last change of a section can be taken back")
		}
		s.Sections[s.indexOf(e.Section)], s.replaced = s.replaced, nil
	case SeatsReserved:
		s.drop(e.ReservationID)
		s.addTickets(e.CustomerID, -countTickets(e.Items))
		s.moveItems(e.Items, Reserved, Available)
	case SeatsConfirmed:
		h := s.Holdings[e.ReservationID]
		h.Sold = false
		s.hold(e.ReservationID, h)
		s.moveItems(e.Items, Sold, Reserved)
	case SeatsReleased:
		s.hold(e.ReservationID, Holding{CustomerID: e.CustomerID, Items: with(s.Holdings[e.ReservationID].Items, e.Items), Sold: e.Sold})
		s.addTickets(e.CustomerID, countTickets(e.Items))
		to := Reserved
		if e.Sold {
			to = Sold
		}
		s.moveItems(e.Items, Available, to)
	default: // a state that is not taken back would be decided on
		panic(fmt.Sprintf("take back %T: Revert has no case for it", e))
	}
	return s
}

func (s State) addTickets(customerID string, by int) {
	if s.Tickets[customerID] += by; s.Tickets[customerID] == 0 {
		delete(s.Tickets, customerID)
	}
}
