package saga

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"ticketing/command"
	"ticketing/command/eventstore"
	"ticketing/command/payment"
)

// refundPatience is for how long a refund that can't be made is tried before customer and organizer get a mail: a gateway that is away for
// minutes is no news.
const refundPatience = time.Hour

// executeRefund has the gateway give money back. Of a refund that fails for long the customer learns, and the organizer, who may have to add to
// their balance.
func (c Config) executeRefund(ctx context.Context, by command.Caller, a refundJob) error {
	err := c.Service.ExecuteRefund(ctx, by, a.PaymentID, a.RefundID)
	if err == nil || isPending(err) || ctx.Err() != nil {
		return err
	}
	return errors.Join(err, c.noticeDelay(ctx, by, a))
}

func (c Config) noticeDelay(ctx context.Context, by command.Caller, a refundJob) error {
	purchase, err := c.Service.PurchaseOfPayment(ctx, a.PaymentID)
	if err != nil {
		return fmt.Errorf("read the payment of refund %s: %w", a.RefundID, err)
	}
	if purchase.Payment == nil {
		return nil
	}
	now, err := eventstore.ReadTime(ctx, c.Pool)
	if err != nil {
		return err
	}
	refund, ok := purchase.Payment.Refund(a.RefundID)
	if !ok || refund.Status != payment.RefundPending || now.Sub(refund.RequestedAt) < refundPatience {
		return nil
	}
	var mails []job
	for _, m := range []Mail{RefundWaitsMail, RefundWaitsNotice} {
		mails = append(mails, job{args: mailJob{Mail: m, ID: a.RefundID, PaymentID: a.PaymentID}, cause: causeOfCaller(by), priority: oneRefund})
	}
	return c.makeJobs(ctx, func(tx pgx.Tx) ([]job, error) { return newMails(ctx, tx, mails) })
}
