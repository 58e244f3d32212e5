package command

import (
	"context"

	"ticketing/command/engine"
	"ticketing/command/inventory"
	"ticketing/command/reservation"
)

// CancelReservation is a customer's request to give an unpaid reservation back.
type CancelReservation struct {
	ReservationID string
	Reason        string
}

// CancelReservation ends an unpaid reservation and frees its seats at once. A payment that waits for its customer is given up first.
func (s *Service) CancelReservation(ctx context.Context, by Caller, in CancelReservation) (Reservation, error) {
	reasonID, err := s.keepReason(ctx, by, "cancelReservation", in.Reason, func(ctx context.Context) (string, error) {
		r, err := s.readReservation(ctx, in.ReservationID)
		return r.CustomerID, err
	})
	if err != nil {
		return Reservation{}, err
	}
	return giveUpAndRetry(ctx, s, by, func(givesUp bool) (Reservation, error) {
		r, _, err := executeOnce(ctx, s, by, action[Reservation]{
			mutation: "cancelReservation", input: in, ref: Reservation.ref, streams: []string{reservations.Stream(in.ReservationID)},
			decide: func(tx *engine.Tx) (Reservation, error) {
				return decideCancel(tx, by, in.ReservationID, reasonID, givesUp)
			},
			replay: s.replayReservation,
		})
		return r, err
	})
}

func decideCancel(tx *engine.Tx, by Caller, reservationID, reasonID string, givesUp bool) (Reservation, error) {
	r, err := reservations.Load(tx, reservationID)
	if err != nil {
		return Reservation{}, err
	}
	if err := by.mayCancel(r); err != nil {
		return Reservation{}, err
	}
	if givesUp {
		if err := waitingPayment(tx, r); err != nil {
			return Reservation{}, err
		}
	}
	return endReservation(tx, reservationID, reservation.Cancel{Reason: reasonID})
}

// endReservation decides how a reservation without a payment at the gateway ends, and frees its seats unless it goes on.
func endReservation(tx *engine.Tx, reservationID string, c reservation.Command) (Reservation, error) {
	before := reservations.Version(tx, reservationID)
	r, err := reservations.Decide(tx, reservationID, c)
	if err != nil {
		return Reservation{}, err
	}
	view := viewReservation(tx, reservationID, r)
	if view.Version > before {
		_, err = inventories.Decide(tx, r.EventID, inventory.Release{ReservationID: reservationID})
	}
	return view, err
}
