package command

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"ticketing/command/engine"
	"ticketing/command/event"
)

// The reads below check no permission, and read what is committed without a turn in the write loop: the result has at least what was
// committed before the call, but a commit that is in flight may be missing. What is decided from it is decided again under the lock.

// Purchase is what a customer is written about: a reservation and its event, and the payment where that is what it is about.
type Purchase struct {
	Reservation Reservation
	Event       event.State
	Payment     *Payment
}

// Purchase returns a reservation with its event as committed. Each of the two is read on its own: the event may be newer.
func (s *Service) Purchase(ctx context.Context, reservationID string) (Purchase, error) {
	r, err := s.readReservation(ctx, reservationID)
	if err != nil {
		return Purchase{}, err
	}
	e, _, err := events.Read(ctx, s.engine, r.EventID)
	return Purchase{Reservation: r, Event: e}, err
}

// PurchaseOfPayment returns what a payment paid for as committed, like Purchase; NOT_FOUND if there is no such payment.
func (s *Service) PurchaseOfPayment(ctx context.Context, paymentID string) (Purchase, error) {
	p, err := s.readPayment(ctx, paymentID)
	if err != nil {
		return Purchase{}, err
	}
	purchase, err := s.Purchase(ctx, p.ReservationID)
	purchase.Payment = &p
	return purchase, err
}

// Holders returns the reservations that hold or bought seats of an event as committed. They are found through the inventory, not a read
// table: once a cancelled event is read from the log, none is missing.
func (s *Service) Holders(ctx context.Context, eventID string) (reservationIDs []string, err error) {
	inv, _, err := inventories.Read(ctx, s.engine, eventID)
	return slices.Sorted(maps.Keys(inv.Holdings)), err
}

// readPayment returns NOT_FOUND if there is no such payment.
func (s *Service) readPayment(ctx context.Context, paymentID string) (Payment, error) {
	state, version, err := payments.Read(ctx, s.engine, paymentID)
	if err == nil && !state.Exists() {
		err = noSuchPayment()
	}
	return Payment{ID: paymentID, Version: version, State: state}, err
}

func (s *Service) readReservation(ctx context.Context, reservationID string) (Reservation, error) {
	state, version, err := reservations.Read(ctx, s.engine, reservationID)
	return Reservation{ID: reservationID, Version: version, State: state}, err
}

// errLost is returned to a retry whose first outcome was lost in a restore of the log a moment ago: the next try is decided again.
var errLost = fmt.Errorf("%w: what this was about was lost in a restore", engine.ErrUnavailable)

// replayEvent returns to a retry of an accepted command the event as committed: the command is, before the engine reports a replay.
func (s *Service) replayEvent(ctx context.Context, eventID string) (Event, error) {
	e, version, err := events.Read(ctx, s.engine, eventID)
	if err != nil {
		return Event{}, err
	}
	if !e.Exists() {
		return Event{}, errLost
	}
	inv, inventoryVersion, err := inventories.Read(ctx, s.engine, eventID)
	return Event{ID: eventID, Version: version, State: e, InventoryVersion: inventoryVersion, Sections: viewSections(inv)}, err
}

// replayReservation returns to a retry of an accepted command the reservation as committed, as replayEvent does.
func (s *Service) replayReservation(ctx context.Context, reservationID string) (Reservation, error) {
	r, err := s.readReservation(ctx, reservationID)
	if err == nil && !r.Exists() {
		err = errLost
	}
	return r, err
}
