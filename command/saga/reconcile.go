package saga

import (
	"context"

	"ticketing/command"
	"ticketing/command/eventstore"
	"ticketing/command/payment"
)

// reconcilePayment asks the gateway about a payment that is still undecided. As long as something was recorded of the payment a short time
// ago, the process that handles it is left to finish.
func (c Config) reconcilePayment(ctx context.Context, by command.Caller, a reconcileJob) error {
	recorded, err := eventstore.ReadStream(ctx, c.Pool, payment.Stream(a.PaymentID), 0, batchSize)
	if err != nil || len(recorded) == 0 { // the log was restored without it
		return err
	}
	now, err := eventstore.ReadTime(ctx, c.Pool)
	if err != nil {
		return err
	}
	overdue := now.Sub(recorded[len(recorded)-1].RecordedAt.Add(c.reconcileAfter()))
	if overdue < 0 {
		return laterError{-overdue}
	}
	err = c.Service.ReconcilePayment(ctx, by, a.PaymentID)
	if isPending(err) {
		return laterError{recheckAfter(overdue)}
	}
	return err
}
