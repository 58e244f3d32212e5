package paypal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"ticketing/command/gateway"
	"ticketing/command/payment"
	"ticketing/internal/id"
)

// refund is a refund of PayPal's.
type refund struct {
	ID       string `json:"id,omitempty"`
	Status   string `json:"status,omitempty"`
	Amount   amount `json:"amount"`
	CustomID string `json:"custom_id"` // our refund's id; for one made in PayPal's dashboard, the payment's
}

// finalIssues are the reasons why PayPal will never give a refund. Others may pass, such as an empty balance.
var finalIssues = []string{
	"CAPTURE_FULLY_REFUNDED", "REFUND_AMOUNT_EXCEEDED", "REFUND_TIME_LIMIT_EXCEEDED", "REFUND_NOT_ALLOWED", "PARTIAL_REFUND_NOT_ALLOWED",
	"CAPTURE_DISPUTED_PARTIAL_REFUND_NOT_ALLOWED", "MAX_NUMBER_OF_REFUNDS_EXCEEDED", "CURRENCY_MISMATCH", "DECIMALS_NOT_SUPPORTED",
}

const refusedRefund = "PayPal refused the refund."

// Refund implements gateway.Gateway. It first searches the refund among the order's, which has no time limit.
func (g *Gateway) Refund(ctx context.Context, r gateway.Refund) (gateway.RefundResult, error) {
	value, err := toAmount(r.Amount)
	if reason := unpayableReason(err); reason != "" {
		return gateway.RefundRefused(reason), nil
	}
	o, err := g.fetchOrder(ctx, r.TransactionID)
	if err != nil {
		return gateway.RefundResult{}, err
	}
	refunds := o.purchaseUnit().Payments.Refunds
	if i := slices.IndexFunc(refunds, func(known refund) bool { return known.CustomID == r.Key() }); i >= 0 {
		return refunds[i].toResult(r)
	}
	c, captured := o.lastCapture()
	if !captured || o.toResult().Outcome != payment.OutcomeSucceeded {
		return gateway.RefundRefused(gateway.ReasonNotCharged), nil
	}
	var given refund
	_, err = g.client.call(ctx, request{
		what: "refund " + r.ID, method: http.MethodPost, path: "/v2/payments/captures/" + url.PathEscape(c.ID) + "/refund", key: r.Key(),
		body: refund{Amount: value, CustomID: r.Key()},
	}, &given)
	if refused, ok := errors.AsType[*refusal](err); ok && refused.hasIssue(finalIssues...) {
		return gateway.RefundRefused(refusedRefund), nil
	}
	if err != nil {
		return gateway.RefundResult{}, err
	}
	return given.toResult(r)
}

func (r refund) toResult(asked gateway.Refund) (gateway.RefundResult, error) {
	if made, err := r.Amount.toMoney(); err != nil || made != asked.Amount {
		return gateway.RefundResult{}, fmt.Errorf("refund %s at PayPal: it exists with another amount", asked.ID)
	}
	switch r.Status {
	case "COMPLETED":
		return gateway.RefundResult{}, nil
	case "PENDING":
		return gateway.RefundResult{Pending: true}, nil
	}
	return gateway.RefundRefused(refusedRefund), nil
}

// Reversals implements gateway.Gateway. An inquiry, in which no money is held, is not a dispute.
func (g *Gateway) Reversals(ctx context.Context, p gateway.Payment) ([]gateway.Reversal, error) {
	o, err := g.fetchOrder(ctx, p.TransactionID)
	if err != nil {
		return nil, err
	}
	c, captured := o.lastCapture()
	if !captured {
		return nil, nil
	}
	var reversals []gateway.Reversal
	for _, r := range o.purchaseUnit().Payments.Refunds {
		reversal, err := r.toReversal()
		if err != nil {
			return nil, err
		}
		reversals = append(reversals, reversal)
	}
	disputed, err := g.listDisputes(ctx, c)
	return append(reversals, disputed...), err
}

func (r refund) toReversal() (gateway.Reversal, error) {
	given, err := r.Amount.toMoney()
	reversal := gateway.Reversal{ID: r.ID, Amount: given, Status: gateway.ReversalFailed}
	if refundID, attempt := gateway.ParseRefundKey(r.CustomID); id.Check(id.Refund, refundID) == nil {
		reversal.RefundID, reversal.Attempt = refundID, attempt
	}
	switch r.Status {
	case "COMPLETED":
		reversal.Status = gateway.ReversalDone
	case "PENDING":
		reversal.Status = gateway.ReversalPending
	}
	return reversal, err
}

// dispute is a dispute of PayPal's.
type dispute struct {
	ID      string `json:"dispute_id"`
	Reason  string `json:"reason"`
	Status  string `json:"status"`
	Stage   string `json:"dispute_life_cycle_stage"`
	Amount  amount `json:"dispute_amount"`
	Outcome struct {
		Code     string `json:"outcome_code"`
		Refunded amount `json:"amount_refunded"`
	} `json:"dispute_outcome"`
}

// listDisputes returns the disputes about a capture. PayPal's list lacks their outcomes, so closed ones are read one by one.
func (g *Gateway) listDisputes(ctx context.Context, c capture) ([]gateway.Reversal, error) {
	var list struct {
		Items []dispute `json:"items"`
	}
	path := "/v1/customer/disputes?page_size=50&disputed_transaction_id=" + url.QueryEscape(c.ID)
	if _, err := g.client.call(ctx, request{what: "list disputes of " + c.ID, method: http.MethodGet, path: path}, &list); err != nil {
		return nil, err
	}
	var reversals []gateway.Reversal
	for _, d := range list.Items {
		if d.Stage == "INQUIRY" {
			continue
		}
		if d.Status == "RESOLVED" {
			path := "/v1/customer/disputes/" + url.PathEscape(d.ID)
			if _, err := g.client.call(ctx, request{what: "read dispute " + d.ID, method: http.MethodGet, path: path}, &d); err != nil {
				return nil, err
			}
		}
		reversal, err := d.toReversal()
		if err != nil {
			return nil, err
		}
		reversals = append(reversals, reversal)
	}
	return reversals, nil
}

func (d dispute) toReversal() (gateway.Reversal, error) {
	taken, err := d.Amount.toMoney()
	reversal := gateway.Reversal{ID: d.ID, Dispute: true, Amount: taken, Reason: d.Reason, Status: gateway.ReversalPending}
	if err == nil && d.Status == "RESOLVED" {
		return d.addOutcome(reversal)
	}
	return reversal, err
}

// wonOutcomes are those after which the seller keeps the money, unless some was refunded.
var wonOutcomes = []string{"RESOLVED_SELLER_FAVOUR", "CANCELED_BY_BUYER", "DENIED"}

// addOutcome records of a resolved dispute whether the customer has the money. What was paid to them counts, before the outcome's name; an
// outcome without a known name counts as lost, so that the money is not given back twice.
func (d dispute) addOutcome(reversal gateway.Reversal) (gateway.Reversal, error) {
	reversal.Status = gateway.ReversalDone
	if d.Outcome.Refunded.Value != "" {
		paid, err := d.Outcome.Refunded.toMoney()
		if err != nil {
			return reversal, err
		}
		if paid.Minor > 0 {
			reversal.Amount = paid
			return reversal, nil
		}
	}
	if slices.Contains(wonOutcomes, d.Outcome.Code) {
		reversal.Status = gateway.ReversalFailed
	}
	return reversal, nil
}
