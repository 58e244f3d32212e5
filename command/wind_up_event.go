package command

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"ticketing/command/engine"
	"ticketing/command/event"
	"ticketing/command/payment"
	"ticketing/command/rejection"
	"ticketing/command/reservation"
	"ticketing/internal/id"
)

// windUpParallel is how many reservations of a cancelled event are wound up at once: the engine makes batches of them.
const windUpParallel = 64

// Why the reservation and its payment were cancelled, as the customer reads it.
const (
	reasonEventCancelled   = "the event was cancelled"
	reasonPaymentCancelled = "The event was cancelled. You were not charged."
)

// WindUpEvent ends the reservations of a cancelled event that were made in a part of its history: unpaid ones are cancelled (payments at the
// gateway given up first), completed ones are refunded. It is idempotent and can stop anywhere; an error says that something has to be tried
// again.
func (s *Service) WindUpEvent(ctx context.Context, by Caller, eventID string, part Versions) error {
	reservationIDs, err := s.Holders(ctx, eventID, part)
	if err != nil {
		return err
	}
	var g errgroup.Group // without a context: one payment that is stuck must not keep the others from their refunds
	g.SetLimit(windUpParallel)
	for _, reservationID := range reservationIDs {
		g.Go(func() error { return s.windUpReservation(ctx, by, reservationID) })
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("wind up event %s: %w", eventID, err)
	}
	return nil
}

func (s *Service) windUpReservation(ctx context.Context, by Caller, reservationID string) error {
	// Each reservation has one such refund, however often this is tried: one that the gateway refused for good stays refused.
	refundID := id.Derive(id.Refund, reservationID+"/event cancelled")
	r, err := execute(ctx, s, by, "viewReservation", []string{reservations.Stream(reservationID)}, func(tx *engine.Tx) (Reservation, error) {
		return decideWindUp(tx, reservationID, refundID)
	})
	if err != nil || r.Status != reservation.PaymentPending {
		return err
	}
	_, err = s.giveUpPayment(ctx, by, r.PaymentID, reasonPaymentCancelled, reservation.Cancel{Reason: reasonEventCancelled, GivenUp: r.PaymentID})
	return err
}

func decideWindUp(tx *engine.Tx, reservationID, refundID string) (Reservation, error) {
	r, err := reservations.Load(tx, reservationID)
	if err != nil {
		return Reservation{}, err
	}
	e, err := events.Load(tx, r.EventID)
	switch {
	case err != nil:
		return Reservation{}, err
	case e.Status != event.Cancelled:
		return Reservation{}, rejection.New(rejection.InvalidState, "the event is not cancelled")
	case r.Status == reservation.SeatsReserved:
		return endReservation(tx, reservationID, reservation.Cancel{Reason: reasonEventCancelled})
	case r.Status == reservation.Completed && r.PaymentID == "":
		return endReservation(tx, reservationID, reservation.Refund{})
	case r.Status == reservation.Completed:
		err = requestFullRefund(tx, r.PaymentID, refundID, payment.CauseEventCancelled)
	}
	return viewReservation(tx, reservationID, r), err
}
