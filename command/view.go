package command

import (
	"ticketing/command/engine"
	"ticketing/command/event"
	"ticketing/command/gateway"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/money"
)

// Event is an event as decided, with the counts of its inventory.
type Event struct {
	ID      string
	Version int64
	event.State
	InventoryVersion int64
	Sections         []Section
}

// Section is the counts of a section as decided.
type Section struct {
	Name     string
	Price    money.Money
	Capacity int
	Reserved int
	Sold     int
	Blocked  int
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

// Paid is a payment and its reservation as decided. Payment is nil when there was nothing to pay.
type Paid struct {
	Payment     *Payment
	Reservation Reservation
	NextAction  *gateway.NextAction

	unwanted bool // undecided, and not to be charged any more
}

func (e Event) ref() string       { return e.ID }
func (r Reservation) ref() string { return r.ID }

func (p Paid) ref() string {
	if p.Payment == nil {
		return p.Reservation.ID
	}
	return p.Payment.ID
}

func viewEvent(tx *engine.Tx, eventID string) (Event, error) {
	e, err := events.Load(tx, eventID)
	if err != nil {
		return Event{}, err
	}
	inv, err := inventories.Load(tx, eventID)
	return Event{
		ID: eventID, Version: events.Version(tx, eventID), State: e,
		InventoryVersion: inventories.Version(tx, eventID), Sections: viewSections(inv),
	}, err
}

func viewSections(inv inventory.State) []Section {
	sections := make([]Section, len(inv.Sections))
	for i, s := range inv.Sections {
		sections[i] = Section{Name: s.Name, Price: s.Price, Capacity: s.Capacity, Reserved: s.Reserved, Sold: s.Sold, Blocked: s.Blocked, Seated: s.Seated()}
	}
	return sections
}

func viewReservation(tx *engine.Tx, reservationID string, state reservation.State) Reservation {
	return Reservation{ID: reservationID, Version: reservations.Version(tx, reservationID), State: state}
}

func viewPayment(tx *engine.Tx, paymentID string, state payment.State) Payment {
	return Payment{ID: paymentID, Version: payments.Version(tx, paymentID), State: state}
}

// viewPaid returns NOT_FOUND for a payment that does not exist.
func viewPaid(tx *engine.Tx, paymentID string) (Paid, error) {
	p, err := payments.Load(tx, paymentID)
	if err != nil {
		return Paid{}, err
	}
	if !p.Exists() {
		return Paid{}, noSuchPayment()
	}
	r, err := reservations.Load(tx, p.ReservationID)
	view := viewPayment(tx, paymentID, p)
	return Paid{Payment: &view, Reservation: viewReservation(tx, p.ReservationID, r)}, err
}

func eventStreams(eventID string) []string {
	return []string{events.Stream(eventID), inventories.Stream(eventID)}
}
