package command

import (
	"context"
	"errors"

	"ticketing/command/engine"
	"ticketing/command/event"
	"ticketing/command/payment"
	"ticketing/command/rejection"
	"ticketing/command/reservation"
	"ticketing/internal/id"
)

// What tells the customer why their payment ended.
const (
	reasonGivenUp  = "The payment was given up. You were not charged."
	reasonUnwanted = "The reservation no longer waits for this payment. You were not charged."
)

// waitingError says that a payment that waits for its customer has to be given up at the gateway before the command can be decided.
type waitingError struct{ paymentID string }

func (e waitingError) Error() string { return "payment " + e.paymentID + " waits for its customer" }

// CancelPayment gives a payment up that waits for its customer. The reservation can then be paid in another way, or cancelled.
func (s *Service) CancelPayment(ctx context.Context, by Caller, paymentID string) (Paid, error) {
	return giveUpAndRetry(ctx, s, by, func(givesUp bool) (Paid, error) {
		paid, _, err := executeOnce(ctx, s, by, action[Paid]{
			mutation: "cancelPayment", input: paymentID, ref: Paid.ref, streams: []string{payments.Stream(paymentID)},
			decide: func(tx *engine.Tx) (Paid, error) { return decideCancelPayment(tx, by, paymentID, givesUp) },
			replay: func(ctx context.Context, ref string) (Paid, error) { return s.replayPayment(ctx, by, ref) },
		})
		return paid, err
	})
}

func decideCancelPayment(tx *engine.Tx, by Caller, paymentID string, givesUp bool) (Paid, error) {
	paid, err := viewPaid(tx, paymentID)
	if err != nil {
		return Paid{}, err
	}
	if err := by.mayCancel(paid.Reservation.State); err != nil {
		return Paid{}, err
	}
	switch p := paid.Payment; {
	case p.Status == payment.RequiresAction && givesUp:
		return Paid{}, waitingError{paymentID}
	case p.Undecided():
		return Paid{}, rejection.New(rejection.PaymentInProgress, "the payment is with the gateway, which has not decided yet")
	case p.Status != payment.Failed:
		return Paid{}, rejection.New(rejection.InvalidState, "a payment that is %s cannot be cancelled", p.Status)
	}
	return paid, nil
}

// waitingPayment returns a waitingError if the reservation waits for a payment that waits for its customer: one who has turned back on the
// gateway's page will never finish it.
func waitingPayment(tx *engine.Tx, r reservation.State) error {
	if r.Status != reservation.PaymentPending {
		return nil
	}
	p, err := payments.Load(tx, r.PaymentID)
	if err == nil && p.Status == payment.RequiresAction {
		err = waitingError{r.PaymentID}
	}
	return err
}

// giveUpAndRetry executes a command; if it is kept from a decision by a payment that waits for its customer, the payment is given up at the
// gateway first. The second try, which gives nothing up, decides by what became of it.
func giveUpAndRetry[T any](ctx context.Context, s *Service, by Caller, try func(givesUp bool) (T, error)) (T, error) {
	value, err := try(true)
	waiting, ok := errors.AsType[waitingError](err)
	if !ok {
		return value, err
	}
	_, err = s.giveUp(context.WithoutCancel(ctx), by, waiting.paymentID, reasonGivenUp)
	if err != nil && !errors.Is(err, ErrStillProcessing) {
		s.logger.WarnContext(ctx, "a payment could not be given up", "payment", waiting.paymentID, "error", err)
		return value, rejection.New(rejection.GatewayUnavailable, "The payment in progress could not be given up. Please try again.")
	}
	return try(false)
}

// giveUp gives a payment up at the gateway; its reservation goes on, unless the event was cancelled.
func (s *Service) giveUp(ctx context.Context, by Caller, paymentID, reason string) (Paid, error) {
	return s.giveUpPayment(ctx, by, paymentID, reason, reservation.FailPayment{PaymentID: paymentID, Outage: true, Reason: reason})
}

// giveUpUnwanted gives up what was not confirmed yet and must not be: another payment completed the reservation, it has ended, or its event
// was cancelled.
func (s *Service) giveUpUnwanted(ctx context.Context, by Caller, paid Paid) Paid {
	given, err := s.giveUp(ctx, by, paid.Payment.ID, reasonUnwanted)
	if err != nil {
		s.logger.WarnContext(ctx, "an unwanted payment could not be given up yet", "payment", paid.Payment.ID, "error", err)
		return paid // the reconciler gives it up
	}
	return given
}

// viewUndecided returns a payment with whether it is still wanted.
func (s *Service) viewUndecided(ctx context.Context, by Caller, paymentID string) (Paid, error) {
	return execute(ctx, s, by, "viewPayment", []string{payments.Stream(paymentID)}, func(tx *engine.Tx) (Paid, error) { return viewUndecided(tx, paymentID) })
}

func viewUndecided(tx *engine.Tx, paymentID string) (Paid, error) {
	paid, err := viewPaid(tx, paymentID)
	if err != nil {
		return Paid{}, err
	}
	p, err := loadSettlement(tx, paymentID)
	paid.unwanted = p.unwanted()
	return paid, err
}

// endAfterGivingUp returns how a reservation goes on whose payment was given up.
func (p settlement) endAfterGivingUp(end reservation.Command) reservation.Command {
	if _, goesOn := end.(reservation.FailPayment); goesOn && p.event.Status == event.Cancelled && p.reservation.PaymentID == p.paymentID {
		return reservation.Cancel{Reason: reasonEventCancelled, GivenUp: p.paymentID}
	}
	return end
}

// isOutage reports whether a payment ended because the gateway was unavailable: its idempotency key is free again, since the customer is
// meant to try again. It makes no difference which process recorded that.
func isOutage(tx *engine.Tx, paymentID string) (bool, error) {
	if id.Prefix(paymentID) != id.Payment {
		return false, nil
	}
	p, err := payments.Load(tx, paymentID)
	return p.Status == payment.Failed && p.FailureCode == payment.GatewayUnavailable, err
}
