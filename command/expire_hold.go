package command

import (
	"context"
	"errors"
	"fmt"

	"ticketing/command/engine"
	"ticketing/command/gateway"
	"ticketing/command/payment"
	"ticketing/command/reservation"
)

// ErrStillProcessing says that the gateway can neither take a payment back nor tell its outcome yet: ask again later.
var ErrStillProcessing = errors.New("the payment is still being processed by the gateway")

// overduePayment is the payment that an expired hold waits for; empty: none.
type overduePayment struct{ id string }

// reasonOverdue tells the customer why their payment was given up.
const reasonOverdue = "The payment was not finished in time."

// ExpireHold ends a hold whose time is over; before that it changes nothing. A payment that is with the gateway is given up there
// first; if it turns out to be paid, the reservation is completed instead.
func (s *Service) ExpireHold(ctx context.Context, by Caller, reservationID string) error {
	overdue, err := execute(ctx, s, by, "expireHold", []string{reservations.Stream(reservationID)}, func(tx *engine.Tx) (overduePayment, error) {
		return decideExpire(tx, reservationID)
	})
	if err != nil || overdue.id == "" {
		return err
	}
	_, err = s.giveUpPayment(ctx, by, overdue.id, reasonOverdue, reservation.Expire{GivenUp: overdue.id})
	return err
}

func decideExpire(tx *engine.Tx, reservationID string) (overdue overduePayment, err error) {
	r, err := reservations.Load(tx, reservationID)
	switch {
	case err != nil:
	case r.Status == reservation.SeatsReserved:
		_, err = endReservation(tx, reservationID, reservation.Expire{})
	case r.Status == reservation.PaymentPending && !tx.Now.Before(r.ExpiresAt):
		overdue.id = r.PaymentID
	}
	return overdue, err
}

// giveUpPayment cancels a payment at the gateway, then ends its reservation by end. If it was paid after all, that is recorded instead.
// reason is what the customer reads of a payment that was given up.
func (s *Service) giveUpPayment(ctx context.Context, by Caller, paymentID, reason string, end reservation.Command) (Paid, error) {
	p, err := s.readPayment(ctx, paymentID)
	if err != nil {
		return Paid{}, err
	}
	if p.Undecided() {
		gw, err := s.gateways.ByName(p.Gateway)
		if err != nil {
			return Paid{}, err
		}
		result, err := gw.Cancel(ctx, atGateway(p))
		switch {
		case errors.Is(err, gateway.ErrUnknownPayment): // never created, and now never will be
		case err != nil:
			return Paid{}, fmt.Errorf("cancel payment %s at %s: %w", paymentID, gw.Name(), err)
		case result.Outcome == payment.OutcomeSucceeded:
			return s.recordOutcome(ctx, by, paymentID, outcomeOf(result))
		case result.Outcome != payment.OutcomeFailed:
			return Paid{}, ErrStillProcessing
		}
	}
	return execute(ctx, s, by, "expireHold", []string{payments.Stream(paymentID)}, func(tx *engine.Tx) (Paid, error) {
		return decideGivenUp(tx, paymentID, reason, end)
	})
}

func decideGivenUp(tx *engine.Tx, paymentID, reason string, end reservation.Command) (Paid, error) {
	p, err := loadSettlement(tx, paymentID)
	if err != nil {
		return Paid{}, err
	}
	_, err = payments.Decide(tx, paymentID, payment.RecordOutcome{
		Outcome: payment.OutcomeFailed, Code: payment.Abandoned, Reason: reason,
	})
	if err == nil && p.reservation.Holding() && p.payment.CompletedAt == nil {
		err = p.endReservation(tx, p.endAfterGivingUp(end))
	}
	if err != nil {
		return Paid{}, err
	}
	return viewPaid(tx, paymentID)
}
