package command

import (
	"context"
	"errors"
	"fmt"

	"ticketing/command/gateway"
	"ticketing/command/payment"
)

// ErrRefundPending says that the gateway will tell later what becomes of a refund.
var ErrRefundPending = errors.New("the refund is pending at the gateway")

// ExecuteRefund has the gateway give the money of a requested refund back and records it. A payment that is refunded in full ends its
// reservation and frees the seats in the same append. Before a refusal is recorded, so is all that the gateway knows of the payment: the money
// may have been given back there, or by a refund that the log lost in a restore.
func (s *Service) ExecuteRefund(ctx context.Context, by Caller, paymentID, refundID string) error {
	p, err := s.readPayment(ctx, paymentID)
	if err != nil {
		return err
	}
	refunding, err := viewRefunding(p, refundID)
	if err != nil || refunding.Refund.Status != payment.RefundPending || refunding.Refund.Reported {
		return err
	}
	gw, err := s.gateways.ByName(p.Gateway)
	if err != nil {
		return err
	}
	result, err := gw.Refund(ctx, gateway.Refund{
		ID: refundID, Attempt: refunding.Refund.Attempt, TransactionID: p.TransactionID, Amount: refunding.Refund.Amount,
	})
	if err != nil {
		return fmt.Errorf("refund %s at %s: %w", refundID, gw.Name(), err)
	}
	if result.Pending {
		return ErrRefundPending
	}
	if result.Failed {
		if err := s.recordReversals(ctx, by, gw, p); err != nil {
			return err
		}
	}
	return s.recordReversal(ctx, by, paymentID, func(payment.State) payment.Command {
		return payment.RecordRefund{RefundID: refundID, Attempt: refunding.Refund.Attempt, Failed: result.Failed, Reason: result.Reason}
	})
}
