package command

import (
	"context"

	"ticketing/command/engine"
	"ticketing/command/payment"
	"ticketing/command/rejection"
)

// RetryRefund is an organizer's or admin's request to have the gateway carry out a refund that failed or waits.
type RetryRefund struct {
	PaymentID string `json:"-"` // of the refund
	RefundID  string
}

// RetryRefund requests a refund anew; the saga has the gateway carry it out at once.
func (s *Service) RetryRefund(ctx context.Context, by Caller, in RetryRefund) (Refunding, error) {
	refunding, _, err := executeOnce(ctx, s, by, action[Refunding]{
		mutation: "retryRefund", input: in, ref: Refunding.ref, streams: []string{payments.Stream(in.PaymentID)},
		decide: func(tx *engine.Tx) (Refunding, error) { return decideRetry(tx, by, in) },
		replay: s.replayRefunding,
	})
	return refunding, err
}

func decideRetry(tx *engine.Tx, by Caller, in RetryRefund) (Refunding, error) {
	p, err := payments.Load(tx, in.PaymentID)
	if err != nil {
		return Refunding{}, err
	}
	if !p.Exists() {
		return Refunding{}, rejection.New(rejection.NotFound, "there is no such refund").At("refundId")
	}
	e, err := events.Load(tx, p.EventID)
	if err != nil {
		return Refunding{}, err
	}
	if err := by.mayRefund(p, e); err != nil {
		return Refunding{}, err
	}
	if p, err = payments.Decide(tx, in.PaymentID, payment.RetryRefund{RefundID: in.RefundID}); err != nil {
		return Refunding{}, err
	}
	return viewRefunding(viewPayment(tx, in.PaymentID, p), in.RefundID)
}
