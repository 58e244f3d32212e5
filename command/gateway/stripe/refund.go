package stripe

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stripe/stripe-go/v79"

	"ticketing/command/gateway"
)

// What is wrong with a refund for good, for people.
const (
	notCharged     = "The payment was not charged."
	moreThanLeft   = "The refund is larger than what is left of the payment."
	isDisputed     = "The payment is disputed: the customer's bank decides."
	refusedByBank  = "The card's bank refused the refund."
	unknownPayment = "There is no such payment at Stripe."
)

// mostReversals is how many refunds and disputes of one payment are looked at.
const mostReversals = 1000

// Refund implements gateway.Gateway. It looks first whether the refund is there already: its idempotency key would not know after 24 hours.
func (g *Gateway) Refund(ctx context.Context, r gateway.Refund) (gateway.RefundResult, error) {
	units, err := toUnits(r.Amount)
	if err != nil {
		return gateway.RefundResult{Failed: true, Reason: err.Error()}, nil //nolint:nilerr // it is the reason
	}
	made, err := g.refundsOf(ctx, r.TransactionID)
	switch {
	case refusalOf(err) != nil:
		return gateway.RefundResult{Failed: true, Reason: unknownPayment}, nil //nolint:nilerr // the refusal is the answer
	case err != nil:
		return gateway.RefundResult{}, err
	}
	for _, found := range made {
		if found.Metadata[metaRefund] != r.ID {
			continue
		}
		if found.Amount != units || !strings.EqualFold(string(found.Currency), r.Amount.Currency) {
			return gateway.RefundResult{}, fmt.Errorf("stripe: refund %s was made with another amount", r.ID)
		}
		return refundResult(found), nil
	}
	params := &stripe.RefundParams{PaymentIntent: &r.TransactionID, Amount: &units, Metadata: map[string]string{metaRefund: r.ID}}
	params.IdempotencyKey = &r.ID
	given, err := callStripe(ctx, "refund "+r.ID, func(ctx context.Context) (*stripe.Refund, error) {
		params.Context = ctx
		return g.refunds.New(params)
	})
	if refused := refusalOf(err); refused != nil {
		return g.whyRefused(ctx, r, units, refused)
	}
	if err != nil {
		return gateway.RefundResult{}, err
	}
	return refundResult(given), nil
}

// whyRefused says whether a refund is refused for good. What has no reason here may be possible later: when the account's balance is
// filled up again, for instance.
func (g *Gateway) whyRefused(ctx context.Context, r gateway.Refund, units int64, refused *failure) (gateway.RefundResult, error) {
	switch refused.stripe.Code { //nolint:exhaustive // Stripe has two hundred
	case stripe.ErrorCodeChargeAlreadyRefunded:
		return gateway.RefundResult{Failed: true, Reason: moreThanLeft}, nil
	case stripe.ErrorCodeChargeDisputed:
		return gateway.RefundResult{Failed: true, Reason: isDisputed}, nil
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
		return gateway.RefundResult{Failed: true, Reason: notCharged}, nil
	case charge.Disputed:
		return gateway.RefundResult{Failed: true, Reason: isDisputed}, nil
	case charge.AmountRefunded+units > charge.Amount:
		return gateway.RefundResult{Failed: true, Reason: moreThanLeft}, nil
	}
	return gateway.RefundResult{}, refused
}

func refundResult(r *stripe.Refund) gateway.RefundResult {
	switch r.Status {
	case stripe.RefundStatusSucceeded:
		return gateway.RefundResult{}
	case stripe.RefundStatusFailed, stripe.RefundStatusCanceled:
		return gateway.RefundResult{Failed: true, Reason: refusedByBank}
	case stripe.RefundStatusPending, stripe.RefundStatusRequiresAction:
	}
	return gateway.RefundResult{Pending: true}
}

// refundsOf answers all refunds of a payment, whoever made them.
func (g *Gateway) refundsOf(ctx context.Context, transactionID string) ([]*stripe.Refund, error) {
	if transactionID == "" {
		return nil, fmt.Errorf("stripe: list refunds: %w", gateway.ErrUnknownPayment)
	}
	return callStripe(ctx, "list refunds of "+transactionID, func(ctx context.Context) ([]*stripe.Refund, error) {
		params := &stripe.RefundListParams{PaymentIntent: &transactionID}
		params.Context, params.Limit = ctx, new(int64(100))
		var all []*stripe.Refund
		i := g.refunds.List(params)
		for len(all) < mostReversals && i.Next() {
			all = append(all, i.Refund())
		}
		return all, i.Err()
	})
}

// Reversals implements gateway.Gateway.
func (g *Gateway) Reversals(ctx context.Context, p gateway.Payment) ([]gateway.Reversal, error) {
	made, err := g.refundsOf(ctx, p.TransactionID)
	if err != nil {
		return nil, err
	}
	disputed, err := callStripe(ctx, "list disputes of payment "+p.ID, func(ctx context.Context) ([]*stripe.Dispute, error) {
		params := &stripe.DisputeListParams{PaymentIntent: &p.TransactionID}
		params.Context, params.Limit = ctx, new(int64(100))
		var all []*stripe.Dispute
		i := g.disputes.List(params)
		for len(all) < mostReversals && i.Next() {
			all = append(all, i.Dispute())
		}
		return all, i.Err()
	})
	if err != nil {
		return nil, err
	}
	reversals := make([]gateway.Reversal, 0, len(made)+len(disputed))
	for _, r := range made {
		reversal := gateway.Reversal{
			ID: r.ID, RefundID: r.Metadata[metaRefund], Amount: fromUnits(r.Amount, strings.ToUpper(string(r.Currency))), Status: gateway.ReversalDone,
		}
		if result := refundResult(r); result.Pending {
			reversal.Status = gateway.ReversalPending
		} else if result.Failed {
			reversal.Status, reversal.Reason = gateway.ReversalFailed, result.Reason
		}
		reversals = append(reversals, reversal)
	}
	for _, d := range disputed {
		if reversal, ok := disputeReversal(d); ok {
			reversals = append(reversals, reversal)
		}
	}
	return reversals, nil
}

// disputeReversal answers a dispute. An inquiry (Stripe calls it a warning) takes no money, and is none yet.
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
