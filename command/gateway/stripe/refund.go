package stripe

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stripe/stripe-go/v79"

	"ticketing/command/gateway"
)

// Why Stripe gives no refund, besides the gateway package's reasons.
const (
	isDisputed     = "The payment is disputed: the customer's bank decides."
	unknownPayment = "There is no such payment at Stripe."
)

const (
	maxReversals = 1000 // refunds or disputes of one payment
	pageSize     = 100

	// maxRefundKeys bounds the refusals of one refund within the day for which Stripe keeps keys. After that the last one counts.
	maxRefundKeys = 100
)

// Refund implements gateway.Gateway. It first searches the refund among those that exist: idempotency keys are valid for 24 hours only.
func (g *Gateway) Refund(ctx context.Context, r gateway.Refund) (gateway.RefundResult, error) {
	units, err := toUnits(r.Amount)
	if err != nil {
		return gateway.RefundRefused(err.Error()), nil
	}
	made, err := g.refundsOf(ctx, r.TransactionID)
	switch {
	case refusalOf(err) != nil:
		return gateway.RefundRefused(unknownPayment), nil //nolint:nilerr // the refusal is the result
	case err != nil:
		return gateway.RefundResult{}, err
	}
	for _, found := range made {
		if found.Metadata[metaRefund] != r.Key() {
			continue
		}
		if found.Amount != units || !strings.EqualFold(string(found.Currency), r.Amount.Currency) {
			return gateway.RefundResult{}, fmt.Errorf("refund %s at Stripe: it exists with another amount", r.ID)
		}
		return refundResult(found), nil
	}
	given, err := g.makeRefund(ctx, r, units)
	if refused := refusalOf(err); refused != nil {
		return g.refusedRefund(ctx, r, units, refused)
	}
	if err != nil {
		return gateway.RefundResult{}, err
	}
	return refundResult(given), nil
}

// makeRefund requests a refund. Stripe repeats a refusal for a day, whatever has changed meanwhile, so each request after a refusal has a
// key of its own: the first one for which Stripe repeats nothing. A refusal is final, so no two keys can give the money twice.
func (g *Gateway) makeRefund(ctx context.Context, r gateway.Refund, units int64) (given *stripe.Refund, err error) {
	for n := range maxRefundKeys {
		params := &stripe.RefundParams{PaymentIntent: &r.TransactionID, Amount: &units, Metadata: map[string]string{metaRefund: r.Key()}}
		params.IdempotencyKey = new(r.Key())
		if n > 0 {
			params.IdempotencyKey = new(fmt.Sprintf("%s#%d", r.Key(), n))
		}
		given, err = callStripe(ctx, "refund "+r.ID, func(ctx context.Context) (*stripe.Refund, error) {
			params.Context = ctx
			return g.refunds.New(params)
		})
		if refused := refusalOf(err); refused == nil || !isReplayed(refused.stripe.LastResponse) {
			return given, err
		}
	}
	return given, err
}

// refusedRefund returns why a refund is refused forever. A refusal without such a reason is an error, since the refund may be possible
// later: when the account has a balance again, for instance.
func (g *Gateway) refusedRefund(ctx context.Context, r gateway.Refund, units int64, refused *failure) (gateway.RefundResult, error) {
	switch refused.stripe.Code { //nolint:exhaustive // Stripe has two hundred
	case stripe.ErrorCodeChargeAlreadyRefunded:
		return gateway.RefundRefused(gateway.ReasonMoreThanLeft), nil
	case stripe.ErrorCodeChargeDisputed:
		return gateway.RefundRefused(isDisputed), nil
	}
	params := &stripe.PaymentIntentParams{}
	params.AddExpand("latest_charge")
	intent, err := callStripe(ctx, "read "+r.TransactionID, func(ctx context.Context) (*stripe.PaymentIntent, error) {
		params.Context = ctx
		return g.intents.Get(r.TransactionID, params)
	})
	if err != nil {
		return gateway.RefundResult{}, errors.Join(refused, err)
	}
	charge := intent.LatestCharge
	switch {
	case intent.Status != stripe.PaymentIntentStatusSucceeded || charge == nil:
		return gateway.RefundRefused(gateway.ReasonNotCharged), nil
	case charge.Disputed:
		return gateway.RefundRefused(isDisputed), nil
	case charge.AmountRefunded+units > charge.Amount:
		return gateway.RefundRefused(gateway.ReasonMoreThanLeft), nil
	}
	return gateway.RefundResult{}, refused
}

func refundResult(r *stripe.Refund) gateway.RefundResult {
	switch r.Status {
	case stripe.RefundStatusSucceeded:
		return gateway.RefundResult{}
	case stripe.RefundStatusFailed, stripe.RefundStatusCanceled:
		return gateway.RefundRefused(gateway.ReasonBankRefused)
	case stripe.RefundStatusPending, stripe.RefundStatusRequiresAction:
	}
	return gateway.RefundResult{Pending: true}
}

// refundsOf returns all refunds of a payment, also those made in the dashboard.
func (g *Gateway) refundsOf(ctx context.Context, transactionID string) ([]*stripe.Refund, error) {
	if transactionID == "" {
		return nil, fmt.Errorf("list refunds at Stripe: %w", gateway.ErrUnknownPayment)
	}
	return callStripe(ctx, "list refunds of "+transactionID, func(ctx context.Context) ([]*stripe.Refund, error) {
		params := &stripe.RefundListParams{PaymentIntent: &transactionID}
		params.Context, params.Limit = ctx, new(int64(pageSize))
		i := g.refunds.List(params)
		return collect(i.Iter, i.Refund)
	})
}

func (g *Gateway) disputesOf(ctx context.Context, transactionID string) ([]*stripe.Dispute, error) {
	return callStripe(ctx, "list disputes of "+transactionID, func(ctx context.Context) ([]*stripe.Dispute, error) {
		params := &stripe.DisputeListParams{PaymentIntent: &transactionID}
		params.Context, params.Limit = ctx, new(int64(pageSize))
		i := g.disputes.List(params)
		return collect(i.Iter, i.Dispute)
	})
}

// collect reads a list of Stripe's, page by page.
func collect[T any](i *stripe.Iter, current func() T) (all []T, err error) {
	for len(all) < maxReversals && i.Next() {
		all = append(all, current())
	}
	return all, i.Err()
}

// Reversals implements gateway.Gateway.
func (g *Gateway) Reversals(ctx context.Context, p gateway.Payment) ([]gateway.Reversal, error) {
	made, err := g.refundsOf(ctx, p.TransactionID)
	if err != nil {
		return nil, err
	}
	disputed, err := g.disputesOf(ctx, p.TransactionID)
	if err != nil {
		return nil, err
	}
	reversals := make([]gateway.Reversal, 0, len(made)+len(disputed))
	for _, r := range made {
		reversals = append(reversals, refundReversal(r))
	}
	for _, d := range disputed {
		if reversal, ok := disputeReversal(d); ok {
			reversals = append(reversals, reversal)
		}
	}
	return reversals, nil
}

func refundReversal(r *stripe.Refund) gateway.Reversal {
	refundID, attempt := gateway.ParseRefundKey(r.Metadata[metaRefund])
	reversal := gateway.Reversal{
		ID: r.ID, RefundID: refundID, Attempt: attempt, Amount: fromUnits(r.Amount, strings.ToUpper(string(r.Currency))), Status: gateway.ReversalDone,
	}
	if result := refundResult(r); result.Pending {
		reversal.Status = gateway.ReversalPending
	} else if result.Failed {
		reversal.Status, reversal.Reason = gateway.ReversalFailed, result.Reason
	}
	return reversal
}

// disputeReversal returns a dispute as a reversal. An inquiry (Stripe's word is warning) takes no money and is not a reversal.
func disputeReversal(d *stripe.Dispute) (gateway.Reversal, bool) {
	reversal := gateway.Reversal{
		ID: d.ID, Dispute: true, Amount: fromUnits(d.Amount, strings.ToUpper(string(d.Currency))), Reason: string(d.Reason),
		Status: gateway.ReversalPending,
	}
	switch d.Status {
	case stripe.DisputeStatusWon:
		reversal.Status = gateway.ReversalFailed
	case stripe.DisputeStatusLost:
		reversal.Status = gateway.ReversalDone
	case stripe.DisputeStatusNeedsResponse, stripe.DisputeStatusUnderReview:
	case stripe.DisputeStatusWarningClosed, stripe.DisputeStatusWarningNeedsResponse, stripe.DisputeStatusWarningUnderReview:
		return gateway.Reversal{}, false
	}
	return reversal, true
}
