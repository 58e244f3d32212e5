package command

import (
	"context"
	"fmt"

	"ticketing/command/engine"
	"ticketing/command/event"
)

// Sale is what a customer is written about: a reservation and its event, and the payment where that is what it is about.
type Sale struct {
	Reservation Reservation
	Event       event.State
	Payment     *Payment
}

// Sale returns a reservation with its event, as they are now. It is for the saga, and checks no permission.
func (s *Service) Sale(ctx context.Context, by Caller, reservationID string) (Sale, error) {
	return execute(ctx, s, by, []string{reservations.Stream(reservationID)}, func(tx *engine.Tx) (Sale, error) {
		r, err := reservations.Load(tx, reservationID)
		if err != nil {
			return Sale{}, err
		}
		e, err := events.Load(tx, r.EventID)
		return Sale{Reservation: viewReservation(tx, reservationID, r), Event: e}, err
	})
}

// SaleOfPayment returns what a payment paid for, as it is now. It is for the saga, and checks no permission.
func (s *Service) SaleOfPayment(ctx context.Context, by Caller, paymentID string) (Sale, error) {
	return execute(ctx, s, by, []string{payments.Stream(paymentID)}, func(tx *engine.Tx) (Sale, error) {
		p, err := loadSettlement(tx, paymentID)
		if err != nil {
			return Sale{}, err
		}
		view := viewPayment(tx, paymentID, p.payment)
		return Sale{Reservation: viewReservation(tx, p.payment.ReservationID, p.reservation), Event: p.event, Payment: &view}, nil
	})
}

// errLost is returned to a retry whose first outcome was lost in a restore of the log a moment ago: the next try is decided again.
var errLost = fmt.Errorf("%w: what this was about was lost in a restore", engine.ErrUnavailable)

// event returns an event as it is now.
func (s *Service) event(ctx context.Context, by Caller, eventID string) (Event, error) {
	return execute(ctx, s, by, eventStreams(eventID), func(tx *engine.Tx) (Event, error) {
		e, err := viewEvent(tx, eventID)
		if err == nil && !e.Exists() {
			err = errLost
		}
		return e, err
	})
}

// reservation returns a reservation as it is now.
func (s *Service) reservation(ctx context.Context, by Caller, reservationID string) (Reservation, error) {
	return execute(ctx, s, by, []string{reservations.Stream(reservationID)}, func(tx *engine.Tx) (Reservation, error) {
		r, err := reservations.Load(tx, reservationID)
		if err == nil && !r.Exists() {
			err = errLost
		}
		return viewReservation(tx, reservationID, r), err
	})
}

// paid returns a payment and its reservation as they are now.
func (s *Service) paid(ctx context.Context, by Caller, paymentID string) (Paid, error) {
	return execute(ctx, s, by, []string{payments.Stream(paymentID)}, func(tx *engine.Tx) (Paid, error) {
		return viewPaid(tx, paymentID)
	})
}

func eventStreams(eventID string) []string {
	return []string{events.Stream(eventID), inventories.Stream(eventID)}
}
