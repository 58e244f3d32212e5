package command

import (
	"context"

	"ticketing/command/engine"
	"ticketing/command/event"
	"ticketing/command/payment"
	"ticketing/command/reservation"
)

// Sale is what a customer is written about: a reservation and its event, and the payment where that is what it is about.
type Sale struct {
	Reservation Reservation
	Event       event.State
	Payment     *Payment
}

// Sale answers a reservation with its event, as they are now. It is the saga's, and asks nobody's permission.
func (s *Service) Sale(ctx context.Context, by Caller, reservationID string) (Sale, error) {
	return execute(ctx, s, by, []string{reservation.Stream(reservationID)}, func(tx *engine.Tx) (Sale, error) {
		r, err := engine.Load[reservation.State](tx, reservation.Stream(reservationID))
		if err != nil {
			return Sale{}, err
		}
		occasion, err := engine.Load[event.State](tx, event.Stream(r.EventID))
		return Sale{Reservation: viewReservation(tx, reservationID, r), Event: occasion}, err
	})
}

// SaleOfPayment answers what a payment paid for, as it is now. It is the saga's, and asks nobody's permission.
func (s *Service) SaleOfPayment(ctx context.Context, by Caller, paymentID string) (Sale, error) {
	return execute(ctx, s, by, []string{payment.Stream(paymentID)}, func(tx *engine.Tx) (Sale, error) {
		p, err := loadPurchase(tx, paymentID)
		if err != nil {
			return Sale{}, err
		}
		view := viewPayment(tx, paymentID, p.payment)
		return Sale{Reservation: viewReservation(tx, p.payment.ReservationID, p.reservation), Event: p.occasion, Payment: &view}, nil
	})
}
