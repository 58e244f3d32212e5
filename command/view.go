package command

import (
	"context"
	"fmt"

	"ticketing/command/engine"
	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/money"
)

// Event is an event as decided, with its inventory's counts.
type Event struct {
	ID      string
	Version int64
	event.State
	InventoryVersion int64
	Sections         []Section
}

// Section is a section's counts as decided.
type Section struct {
	Name     string
	Price    money.Money
	Capacity int
	Reserved int
	Sold     int
	Seated   bool
}

// Reservation is a reservation as decided.
type Reservation struct {
	ID      string
	Version int64
	reservation.State
}

// Payment is a payment as decided.
type Payment struct {
	ID      string
	Version int64
	payment.State
}

func (e Event) ref() string       { return e.ID }
func (r Reservation) ref() string { return r.ID }

func viewEvent(tx *engine.Tx, eventID string, state event.State) (Event, error) {
	stock, err := engine.Load[inventory.State](tx, inventory.Stream(eventID))
	if err != nil {
		return Event{}, err
	}
	view := Event{
		ID: eventID, Version: tx.Version(event.Stream(eventID)), State: state,
		InventoryVersion: tx.Version(inventory.Stream(eventID)), Sections: make([]Section, len(stock.Sections)),
	}
	for i, s := range stock.Sections {
		view.Sections[i] = Section{Name: s.Name, Price: s.Price, Capacity: s.Capacity, Reserved: s.Reserved, Sold: s.Sold, Seated: s.Seated()}
	}
	return view, nil
}

func viewReservation(tx *engine.Tx, reservationID string, state reservation.State) Reservation {
	return Reservation{ID: reservationID, Version: tx.Version(reservation.Stream(reservationID)), State: state}
}

func viewPayment(tx *engine.Tx, paymentID string, state payment.State) Payment {
	return Payment{ID: paymentID, Version: tx.Version(payment.Stream(paymentID)), State: state}
}

// errLost answers a retry whose first outcome a restore of the log has lost a moment ago: the next try is decided again.
var errLost = fmt.Errorf("%w: what this was about was lost in a restore", engine.ErrUnavailable)

// event answers an event as it is now.
func (s *Service) event(ctx context.Context, by Caller, eventID string) (Event, error) {
	return execute(ctx, s, by, eventStreams(eventID), func(tx *engine.Tx) (Event, error) {
		state, err := engine.Load[event.State](tx, event.Stream(eventID))
		if err != nil {
			return Event{}, err
		}
		if !state.Exists() {
			return Event{}, errLost
		}
		return viewEvent(tx, eventID, state)
	})
}

// reservation answers a reservation as it is now.
func (s *Service) reservation(ctx context.Context, by Caller, reservationID string) (Reservation, error) {
	return execute(ctx, s, by, []string{reservation.Stream(reservationID)}, func(tx *engine.Tx) (Reservation, error) {
		state, err := engine.Load[reservation.State](tx, reservation.Stream(reservationID))
		if err != nil {
			return Reservation{}, err
		}
		if !state.Exists() {
			return Reservation{}, errLost
		}
		return viewReservation(tx, reservationID, state), nil
	})
}

func eventStreams(eventID string) []string {
	return []string{event.Stream(eventID), inventory.Stream(eventID)}
}
