package command

import (
	"context"
	"errors"
	"fmt"

	"ticketing/command/gateway"
	"ticketing/command/payment"
)

// ReconcilePayment asks the gateway about an undecided payment and records what it says. One that its reservation no longer waits for is
// given up: nothing else would end it. ErrStillProcessing means that it is still undecided.
func (s *Service) ReconcilePayment(ctx context.Context, by Caller, paymentID string) error {
	p, err := s.readPayment(ctx, paymentID)
	if err != nil || !p.Undecided() {
		return err
	}
	gw, err := s.gateways.ByName(p.Gateway)
	if err != nil {
		return err
	}
	result, err := gw.Lookup(ctx, atGateway(p))
	switch {
	case errors.Is(err, gateway.ErrUnknownPayment), err == nil && result.Outcome == payment.OutcomeCreated:
		return s.abandonUnconfirmed(ctx, by, gw, p)
	case err != nil:
		return fmt.Errorf("look up payment %s at %s: %w", paymentID, gw.Name(), err)
	}
	recorded, err := s.recordOutcome(ctx, by, paymentID, outcomeOf(result))
	if err == nil && recorded.unwanted && recorded.Payment.Undecided() {
		recorded, err = s.giveUp(ctx, by, paymentID, reasonUnwanted)
	}
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
	_, err = s.recordOutcome(ctx, by, p.ID, outcome)
	return err
}
