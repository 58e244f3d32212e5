package command

import (
	"cmp"
	"context"
	"errors"

	"ticketing/command/engine"
	"ticketing/command/gateway"
	"ticketing/command/payment"
	"ticketing/command/rejection"
)

// ConfirmPayment goes on with a payment after the customer did what its next action requires.
func (s *Service) ConfirmPayment(ctx context.Context, by Caller, paymentID string) (Paid, error) {
	paid, replayed, err := executeOnce(ctx, s, by, action[Paid]{
		mutation: confirmPayment, input: paymentID, ref: Paid.ref, streams: []string{payments.Stream(paymentID)},
		decide: func(tx *engine.Tx) (Paid, error) { return decideConfirm(tx, by, paymentID) },
		replay: func(ctx context.Context, ref string) (Paid, error) { return s.replayPayment(ctx, by, ref) },
		outdated: func(tx *engine.Tx, ref string) (bool, error) { // the gateway may not have heard of the first try
			p, err := payments.Load(tx, ref)
			return p.Undecided() || p.FailureCode == payment.GatewayUnavailable, err
		},
	})
	if err != nil {
		return Paid{}, err
	}
	if replayed || !paid.Payment.Undecided() {
		return paid, failureOf(paid)
	}
	ctx = context.WithoutCancel(ctx)
	if paid.unwanted && paid.Payment.Status == payment.RequiresAction {
		paid = s.giveUpUnwanted(ctx, by, paid)
		return paid, failureOf(paid)
	}
	gw, err := s.gateways.ByName(paid.Payment.Gateway)
	if err != nil {
		return Paid{}, err
	}
	ask := gw.Lookup
	if paid.Payment.Status == payment.RequiresAction {
		ask = gw.Confirm
	}
	result, err := ask(ctx, atGateway(*paid.Payment))
	if err != nil {
		s.logger.WarnContext(ctx, "the outcome of a payment is not known yet", "payment", paymentID, "gateway", gw.Name(), "error", err)
		if errors.Is(err, gateway.ErrUnavailable) && paid.Payment.Status == payment.RequiresAction {
			err = rejection.New(rejection.GatewayUnavailable, "The payment service could not be reached. You were not charged. Please try again.")
			return paid, err
		}
		return paid, nil
	}
	recorded, err := s.recordOutcome(ctx, by, paymentID, outcomeOf(result))
	return withAction(recorded, result), cmp.Or(err, failureOf(recorded))
}

func decideConfirm(tx *engine.Tx, by Caller, paymentID string) (Paid, error) {
	paid, err := viewUndecided(tx, paymentID)
	if err != nil {
		return Paid{}, err
	}
	if by.Principal.ID() != paid.Payment.CustomerID {
		return Paid{}, rejection.New(rejection.Forbidden, "this is another customer's payment")
	}
	if paid.Payment.Undecided() && !tx.Now.Before(paid.Reservation.ExpiresAt) {
		return Paid{}, rejection.New(rejection.ReservationExpired, "the time to pay this reservation is over")
	}
	return paid, nil
}
