package command

import (
	"context"
	"errors"
	"fmt"

	"ticketing/command/engine"
	"ticketing/command/gateway"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
)

// CancelReservation is a customer's wish to give an unpaid hold back.
type CancelReservation struct {
	ReservationID string
	Reason        string
}

// CancelReservation ends an unpaid hold and frees its seats at once.
func (s *Service) CancelReservation(ctx context.Context, by Caller, in CancelReservation) (Reservation, error) {
	r, _, err := run(ctx, s, by, action[Reservation]{
		mutation: "cancelReservation", input: in, ref: Reservation.ref, streams: []string{reservation.Stream(in.ReservationID)},
		decide: func(tx *engine.Tx) (Reservation, error) {
			r, err := engine.Load[reservation.State](tx, reservation.Stream(in.ReservationID))
			if err != nil {
				return Reservation{}, err
			}
			if err := by.mayCancel(r); err != nil {
				return Reservation{}, err
			}
			return endHold(tx, in.ReservationID, r, reservation.Cancel{Reason: in.Reason})
		},
		replay: func(ctx context.Context, ref string) (Reservation, error) { return s.reservation(ctx, by, ref) },
	})
	return r, err
}

// endHold decides how a hold without a payment at the gateway ends, and frees its seats.
func endHold(tx *engine.Tx, reservationID string, r reservation.State, c reservation.Command) (Reservation, error) {
	stock, err := engine.Load[inventory.State](tx, inventory.Stream(r.EventID))
	if err != nil {
		return Reservation{}, err
	}
	ended, err := reservation.Decide(r, c, tx.Now)
	if err != nil || len(ended) == 0 {
		return viewReservation(tx, reservationID, r), err
	}
	released, err := inventory.Decide(stock, inventory.Release{ReservationID: reservationID}, tx.Now)
	if err != nil {
		return Reservation{}, err
	}
	engine.Append[inventory.State](tx, inventory.Stream(r.EventID), released)
	return viewReservation(tx, reservationID, engine.Append[reservation.State](tx, reservation.Stream(reservationID), ended)), nil
}

// ErrStillProcessing says that the gateway can neither take a payment back nor tell its outcome yet: ask again later.
var ErrStillProcessing = errors.New("the payment is still being processed by the gateway")

// ExpireHold ends a hold whose time is over; before that it changes nothing. A payment that is with the gateway is given up there
// first; if it turns out to be paid, the reservation is completed instead.
func (s *Service) ExpireHold(ctx context.Context, by Caller, reservationID string) error {
	r, err := execute(ctx, s, by, []string{reservation.Stream(reservationID)}, func(tx *engine.Tx) (Reservation, error) {
		r, err := engine.Load[reservation.State](tx, reservation.Stream(reservationID))
		if err != nil {
			return Reservation{}, err
		}
		if r.Status != reservation.SeatsReserved {
			view := viewReservation(tx, reservationID, r)
			if tx.Now.Before(r.ExpiresAt) {
				view.PaymentID = "" // not due: nothing to give up
			}
			return view, nil
		}
		return endHold(tx, reservationID, r, reservation.Expire{})
	})
	if err != nil || r.Status != reservation.PaymentPending || r.PaymentID == "" {
		return err
	}
	return s.giveUp(ctx, by, r.PaymentID, reservation.Expire{GivenUp: r.PaymentID})
}

// giveUp cancels a payment at the gateway, then ends its reservation by command. What was charged after all is recorded as paid.
func (s *Service) giveUp(ctx context.Context, by Caller, paymentID string, command reservation.Command) error {
	paid, err := s.paid(ctx, by, paymentID)
	if err != nil {
		return err
	}
	if paid.Payment.Undecided() {
		gw, err := s.Gateways.ByName(paid.Payment.Gateway)
		if err != nil {
			return err
		}
		result, err := gw.Cancel(ctx, atGateway(*paid.Payment))
		switch {
		case errors.Is(err, gateway.ErrUnknownPayment): // never created, and now never will be
		case err != nil:
			return fmt.Errorf("cancel payment %s at %s: %w", paymentID, gw.Name(), err)
		case result.Outcome == payment.OutcomeSucceeded:
			_, err := s.settle(ctx, by, paymentID, outcomeOf(result))
			return err
		case result.Outcome != payment.OutcomeFailed:
			return ErrStillProcessing
		}
	}
	_, err = execute(ctx, s, by, []string{payment.Stream(paymentID)}, func(tx *engine.Tx) (Paid, error) {
		return decideGivenUp(tx, paymentID, command)
	})
	return err
}

func decideGivenUp(tx *engine.Tx, paymentID string, command reservation.Command) (Paid, error) {
	p, err := loadPurchase(tx, paymentID)
	if err != nil {
		return Paid{}, err
	}
	var c consequences
	c.payment, err = payment.Decide(p.payment, payment.RecordOutcome{
		Outcome: payment.OutcomeFailed, Code: payment.Abandoned, Reason: "The payment was not finished in time.",
	}, tx.Now)
	if err != nil || !p.reservation.Holding() || p.payment.CompletedAt != nil {
		return p.append(tx, c), err
	}
	if c, err = p.end(tx, c, command); err != nil {
		return Paid{}, err
	}
	return p.append(tx, c), nil
}

// ReconcilePayment asks the gateway about a payment that is undecided and records what it says. ErrStillProcessing means that it
// is undecided still.
func (s *Service) ReconcilePayment(ctx context.Context, by Caller, paymentID string) error {
	paid, err := s.paid(ctx, by, paymentID)
	if err != nil || !paid.Payment.Undecided() {
		return err
	}
	gw, err := s.Gateways.ByName(paid.Payment.Gateway)
	if err != nil {
		return err
	}
	result, err := gw.Lookup(ctx, atGateway(*paid.Payment))
	switch {
	case errors.Is(err, gateway.ErrUnknownPayment), err == nil && result.Outcome == payment.OutcomeCreated:
		return s.abandonUnconfirmed(ctx, by, gw, *paid.Payment)
	case err != nil:
		return fmt.Errorf("look up payment %s at %s: %w", paymentID, gw.Name(), err)
	}
	recorded, err := s.settle(ctx, by, paymentID, outcomeOf(result))
	if err == nil && recorded.Payment.Undecided() {
		return ErrStillProcessing
	}
	return err
}

// abandonUnconfirmed ends a payment whose process died before it was confirmed: the card's token died with it. It counts as an outage,
// so that the customer loses no attempt.
func (s *Service) abandonUnconfirmed(ctx context.Context, by Caller, gw gateway.Gateway, p Payment) error {
	result, err := gw.Cancel(ctx, atGateway(p))
	outcome := payment.RecordOutcome{
		Outcome: payment.OutcomeFailed, Code: payment.GatewayUnavailable, Reason: "The payment could not be started. You were not charged.",
	}
	switch {
	case errors.Is(err, gateway.ErrUnknownPayment):
	case err != nil:
		return fmt.Errorf("cancel payment %s at %s: %w", p.ID, gw.Name(), err)
	case result.Outcome == payment.OutcomeSucceeded:
		outcome = outcomeOf(result)
	case result.Outcome != payment.OutcomeFailed:
		return ErrStillProcessing
	}
	_, err = s.settle(ctx, by, p.ID, outcome)
	return err
}
