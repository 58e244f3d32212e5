package command

import (
	"context"
	"fmt"
	"math"

	"golang.org/x/sync/errgroup"

	"ticketing/command/engine"
	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/reservation"
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

// Versions is a part of a stream: the versions above After, up to Until.
type Versions struct{ After, Until int64 }

// AllVersions is a whole stream.
var AllVersions = Versions{Until: math.MaxInt64}

// historyPage is how many domain events are read at once.
const historyPage = 1_000

// Holders returns the reservations that hold or bought seats, of those that were made in a part of the history of an event's inventory. They are
// found through the log, not a read table: once a cancelled event is read from the log, none is missing. Neither the whole inventory nor all
// reservations are read, so that an event may have any number of them.
func (s *Service) Holders(ctx context.Context, eventID string, part Versions) (reservationIDs []string, err error) {
	made, err := s.reservationsMade(ctx, eventID, part)
	if err != nil {
		return nil, err
	}
	holds := make([]bool, len(made))
	var g errgroup.Group
	g.SetLimit(windUpParallel)
	for i, reservationID := range made {
		g.Go(func() error {
			r, err := s.readReservation(ctx, reservationID)
			holds[i] = r.Holding() || r.Status == reservation.Completed
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i, reservationID := range made {
		if holds[i] {
			reservationIDs = append(reservationIDs, reservationID)
		}
	}
	return reservationIDs, nil
}

// reservationsMade returns the reservations that were made in a part of the history of an event's inventory, in its order.
func (s *Service) reservationsMade(ctx context.Context, eventID string, part Versions) (reservationIDs []string, err error) {
	seen := map[string]bool{}
	for after := part.After; after < part.Until; {
		limit := int(min(part.Until-after, historyPage))
		page, last, err := inventories.History(ctx, s.engine, eventID, after, limit)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			if reserved, ok := e.(inventory.SeatsReserved); ok && !seen[reserved.ReservationID] {
				seen[reserved.ReservationID] = true
				reservationIDs = append(reservationIDs, reserved.ReservationID)
			}
		}
		if len(page) < limit {
			break
		}
		after = last
	}
	return reservationIDs, nil
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
