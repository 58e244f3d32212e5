package sandbox

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"ticketing/command/gateway"
)

// refundStatus is the state of a refund.
type refundStatus string

const (
	refusedOnce refundStatus = "refused" // as unavailable; the next call continues
	pending     refundStatus = "pending"
	given       refundStatus = "succeeded"
	notGiven    refundStatus = "failed"
)

// refund is a row of sandbox_refunds.
type refund struct {
	gateway.Refund
	status refundStatus
	reason *string
}

// Refund implements gateway.Gateway. The same refund with another amount or payment is ErrIdempotencyMismatch.
func (g *Gateway) Refund(ctx context.Context, asked gateway.Refund) (gateway.RefundResult, error) {
	var r refund
	asked.ID, asked.Attempt = asked.Key(), 0
	err := pgx.BeginFunc(ctx, g.pool, func(tx pgx.Tx) error {
		paid, err := lockByTransaction(ctx, tx, asked.TransactionID)
		if err != nil {
			return err
		}
		if r, err = readRefund(ctx, tx, asked); err != nil {
			return err
		}
		if r.Refund != asked {
			return ErrIdempotencyMismatch
		}
		left, err := refundableUnits(ctx, tx, paid, asked.ID)
		if err != nil {
			return err
		}
		r.advanceFrom(paid, left)
		return writeRefund(ctx, tx, r)
	})
	switch {
	case err != nil:
		return gateway.RefundResult{}, fmt.Errorf("refund %s in the sandbox: %w", asked.ID, err)
	case r.status == refusedOnce:
		return gateway.RefundResult{}, fmt.Errorf("refund %s in the sandbox: %w", asked.ID, gateway.ErrUnavailable)
	}
	result := gateway.RefundResult{Pending: r.status == pending, Failed: r.status == notGiven}
	if r.reason != nil {
		result.Reason = *r.reason
	}
	return result, nil
}

// Reversals implements gateway.Gateway. The sandbox has no disputes and no dashboard.
func (g *Gateway) Reversals(ctx context.Context, p gateway.Payment) ([]gateway.Reversal, error) {
	rows, err := g.pool.Query(ctx, `SELECT refund_id, minor, currency, status, coalesce(reason, '') FROM sandbox_refunds
		WHERE transaction_id = $1 AND status <> $2 ORDER BY refund_id`, p.TransactionID, refusedOnce)
	if err != nil {
		return nil, fmt.Errorf("read refunds of payment %s in the sandbox: %w", p.ID, err)
	}
	reversals, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r gateway.Reversal, err error) {
		var status refundStatus
		err = row.Scan(&r.RefundID, &r.Amount.Minor, &r.Amount.Currency, &status, &r.Reason)
		r.ID = r.RefundID
		r.RefundID, r.Attempt = gateway.ParseRefundKey(r.ID)
		r.Status = map[refundStatus]gateway.ReversalStatus{
			pending: gateway.ReversalPending, given: gateway.ReversalDone, notGiven: gateway.ReversalFailed,
		}[status]
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("read refunds of payment %s in the sandbox: %w", p.ID, err)
	}
	return reversals, nil
}

// advanceFrom moves the refund one step on from its stored state; left is what other refunds leave of the payment.
func (r *refund) advanceFrom(paid paymentRow, left int64) {
	rule := paid.tokenRule()
	switch {
	case r.status == given || r.status == notGiven:
	case r.status == pending:
		r.status = given
	case paid.status != succeeded:
		r.fail(gateway.ReasonNotCharged)
	case r.Amount.Currency != *paid.currency:
		r.fail("The payment was made in another currency.")
	case r.Amount.Minor > left:
		r.fail(gateway.ReasonMoreThanLeft)
	case rule.refund == refundFails:
		r.fail(gateway.ReasonBankRefused)
	case rule.refund == refundUnavailable && r.status == "":
		r.status = refusedOnce
	case rule.refund == refundPending:
		r.status = pending
	default:
		r.status = given
	}
}

func (r *refund) fail(reason string) { r.status, r.reason = notGiven, &reason }

// readRefund returns the stored refund, or asked with no status if there is none.
func readRefund(ctx context.Context, tx pgx.Tx, asked gateway.Refund) (refund, error) {
	r := refund{Refund: gateway.Refund{ID: asked.ID}}
	err := tx.QueryRow(ctx, `SELECT transaction_id, minor, currency, status, reason FROM sandbox_refunds WHERE refund_id = $1`, asked.ID).
		Scan(&r.TransactionID, &r.Amount.Minor, &r.Amount.Currency, &r.status, &r.reason)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return refund{Refund: asked}, nil
	case err != nil:
		return refund{}, fmt.Errorf("read refund: %w", err)
	}
	return r, nil
}

// refundableUnits returns what the payment's other refunds leave of it, in minor units.
func refundableUnits(ctx context.Context, tx pgx.Tx, paid paymentRow, refundID string) (int64, error) {
	var taken int64
	err := tx.QueryRow(ctx, `SELECT coalesce(sum(minor), 0)::bigint FROM sandbox_refunds
		WHERE transaction_id = $1 AND refund_id <> $2 AND status IN ('pending', 'succeeded')`, paid.transactionID, refundID).Scan(&taken)
	if err != nil {
		return 0, fmt.Errorf("sum refunds: %w", err)
	}
	return *paid.minor - taken, nil
}

func writeRefund(ctx context.Context, tx pgx.Tx, r refund) error {
	_, err := tx.Exec(ctx, `INSERT INTO sandbox_refunds (refund_id, transaction_id, minor, currency, status, reason)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (refund_id) DO UPDATE SET status = excluded.status, reason = excluded.reason`,
		r.ID, r.TransactionID, r.Amount.Minor, r.Amount.Currency, r.status, r.reason)
	if err != nil {
		return fmt.Errorf("write refund: %w", err)
	}
	return nil
}
