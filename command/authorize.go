package command

import (
	"ticketing/command/event"
	"ticketing/command/payment"
	"ticketing/command/rejection"
	"ticketing/command/reservation"
)

// Rights on single objects are decided here, on the write side, from the state that the decision sees: a mutation never has to wait for a
// read table. Which role may call a mutation at all is in the GraphQL schema.

// manages reports whether the caller may change the event.
func (c Caller) manages(s event.State) bool {
	return c.Principal.IsAdmin() || c.Principal.IsSystem() || c.Principal.ID() == s.OrganizerID
}

// mayManage returns NOT_FOUND for an event that does not exist and FORBIDDEN for another organizer's.
func (c Caller) mayManage(s event.State) error {
	if !s.Exists() {
		return noSuchEvent()
	}
	if !c.manages(s) {
		return rejection.New(rejection.Forbidden, "only the event's organizer and admins may do this")
	}
	return nil
}

// mayReserve hides drafts from all who may not manage them.
func (c Caller) mayReserve(s event.State) error {
	if !s.Exists() || (s.Status == event.Draft && !c.manages(s)) {
		return noSuchEvent()
	}
	return nil
}

// owns returns NOT_FOUND for a reservation that does not exist and FORBIDDEN for another customer's.
func (c Caller) owns(s reservation.State) error {
	if !s.Exists() {
		return rejection.New(rejection.NotFound, "there is no such reservation").At("reservationId")
	}
	if !c.Principal.Is(s.CustomerID) {
		return rejection.New(rejection.Forbidden, "this is another customer's reservation")
	}
	return nil
}

// mayCancel lets admins cancel what they don't own.
func (c Caller) mayCancel(s reservation.State) error {
	if s.Exists() && c.Principal.IsAdmin() {
		return nil
	}
	return c.owns(s)
}

// mayRefund returns NOT_FOUND for a payment that does not exist and FORBIDDEN to all but the event's organizer and admins.
func (c Caller) mayRefund(p payment.State, s event.State) error {
	if !p.Exists() {
		return noSuchPayment()
	}
	return c.mayManage(s)
}

func noSuchEvent() error {
	return rejection.New(rejection.NotFound, "there is no such event").At("eventId")
}

func noSuchPayment() error {
	return rejection.New(rejection.NotFound, "there is no such payment").At("paymentId")
}
