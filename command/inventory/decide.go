package inventory

import (
	"fmt"
	"time"

	"ticketing/command/rejection"
)

// Decide returns the domain events that c leads to, or a *rejection.Error.
func Decide(s State, c Command, _ time.Time) ([]DomainEvent, error) {
	switch c := c.(type) {
	case Add:
		return decideAdd(s, c)
	case Update:
		return decideUpdate(s, c)
	case Reserve:
		return decideReserve(s, c)
	case Confirm:
		return decideConfirm(s, c)
	case Release:
		return decideRelease(s, c)
	}
	panic(fmt.Sprintf("inventory: unknown command %T", c))
}

func decideConfirm(s State, c Confirm) ([]DomainEvent, error) {
	h, held := s.Holdings[c.ReservationID]
	switch {
	case held && h.Sold:
		return nil, nil
	case held:
		return []DomainEvent{SeatsConfirmed{ReservationID: c.ReservationID, CustomerID: h.CustomerID, Items: h.Items}}, nil
	case c.Retake == nil:
		return nil, rejection.New(rejection.InvalidState, "the reservation has no seats")
	}
	if err := s.checkFree(c.Retake.Items); err != nil {
		return nil, err
	}
	return []DomainEvent{
		SeatsReserved{ReservationID: c.ReservationID, CustomerID: c.Retake.CustomerID, Items: c.Retake.Items},
		SeatsConfirmed{ReservationID: c.ReservationID, CustomerID: c.Retake.CustomerID, Items: c.Retake.Items},
	}, nil
}

func (s State) checkFree(items []Item) error {
	for _, item := range items {
		section := s.Section(item.Section)
		if section.Available() < item.Quantity {
			return rejection.New(rejection.InsufficientInventory, "section %q is sold out", item.Section)
		}
		for _, label := range item.Labels {
			if p, ok := section.findSeat(label); !ok || section.statusAt(p) != Available { // its row may have changed
				return rejection.New(rejection.SeatUnavailable, "seat %s is taken", label)
			}
		}
	}
	return nil
}

// decideRelease changes nothing if the reservation has no seats: a release may come twice.
func decideRelease(s State, c Release) ([]DomainEvent, error) {
	h, held := s.Holdings[c.ReservationID]
	if !held {
		return nil, nil
	}
	released := SeatsReleased{ReservationID: c.ReservationID, CustomerID: h.CustomerID, Items: h.Items, Sold: h.Sold}
	if len(c.Items) > 0 {
		if _, ok := without(h.Items, c.Items); !ok {
			return nil, rejection.New(rejection.InvalidState, "the reservation does not have these seats")
		}
		released.Items = c.Items
	}
	return []DomainEvent{released}, nil
}
