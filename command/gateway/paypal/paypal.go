// Package paypal takes payments through PayPal's Orders v2: an order with the intent to capture, which the customer approves on PayPal's
// page and which is captured after that, by us and never by itself. So an order that is not captured costs nobody anything.
//
// PayPal can't cancel such an order. Giving a payment up changes the order's intent to AUTHORIZE instead: from then on PayPal refuses to
// capture it, whoever asks and however late, and everybody who looks sees that it was given up. A declined one is closed in the same way,
// with a mark, so that nobody approves it again after the reservation went on.
//
// Every POST has an idempotency key (PayPal-Request-Id): the payment's id, and for the capture another one. PayPal answers a key that comes
// again with the object as it is now, and 200 instead of 201. That is how an order is found whose id was never recorded, within the six
// hours that PayPal keeps keys; later, an order is made that nobody ever captures.
package paypal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"ticketing/command/gateway"
	"ticketing/command/payment"
)

// Name is the gateway's name.
const Name = "paypal"

// Config is what a Gateway needs.
type Config struct {
	ClientID     string // PAYPAL_CLIENT_ID
	ClientSecret string // PAYPAL_CLIENT_SECRET
	APIBase      string // PAYPAL_API_BASE
	WebhookID    string // PAYPAL_WEBHOOK_ID; without it no webhook is genuine
}

// Gateway implements gateway.Gateway and webhook.Source.
type Gateway struct {
	client   *client
	webhooks asking
}

var _ gateway.Gateway = (*Gateway)(nil)

// New answers a gateway. It calls nobody.
func New(c Config) *Gateway { return &Gateway{client: newClient(c), webhooks: newAsking()} }

// Name implements gateway.Gateway.
func (g *Gateway) Name() string { return Name }

// Create implements gateway.Gateway.
func (g *Gateway) Create(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	o, _, err := g.createOrder(ctx, p)
	if reason := unpayableReason(err); reason != "" {
		return gateway.Result{Outcome: payment.OutcomeFailed, Code: payment.Declined, Reason: reason}, nil
	}
	if err != nil {
		return gateway.Result{}, err
	}
	result := o.toResult()
	if result.Outcome == payment.OutcomeRequiresAction {
		result.Outcome, result.NextAction = payment.OutcomeCreated, nil
	}
	return result, nil
}

// Confirm implements gateway.Gateway: it captures what the customer has approved, and says where to approve what they have not.
func (g *Gateway) Confirm(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	if p.TransactionID == "" {
		return gateway.Result{}, fmt.Errorf("paypal: confirm payment %s: %w", p.ID, gateway.ErrUnknownPayment)
	}
	o, err := g.fetchOrder(ctx, p.TransactionID)
	if err != nil {
		return gateway.Result{}, err
	}
	if !o.isOpen() || o.Status != statusApproved {
		return o.toResult(), nil
	}
	captured, err := g.captureOrder(ctx, p)
	refused, ok := errors.AsType[*refusal](err)
	switch {
	case !ok && err != nil:
		return gateway.Result{}, err
	case !ok:
		return captured.toResult(), nil
	case refused.status != http.StatusUnprocessableEntity:
		return gateway.Result{}, refused
	case refused.hasIssue("ACTION_DOES_NOT_MATCH_INTENT", "ORDER_ALREADY_CAPTURED", "ORDER_NOT_APPROVED", "PAYER_ACTION_REQUIRED"):
		if o, err = g.fetchOrder(ctx, p.TransactionID); err != nil { // somebody was faster
			return gateway.Result{}, err
		}
		return o.toResult(), nil
	}
	return g.closeOrder(ctx, p.TransactionID, declinedMark)
}

// Lookup implements gateway.Gateway. An order that waits for its customer is told as that, confirmed or not: who comes back for it, with the
// same idempotency key, is sent to approve it.
func (g *Gateway) Lookup(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	o, existed, err := g.findOrder(ctx, p)
	if err == nil && !existed {
		err = fmt.Errorf("paypal: look up payment %s: %w", p.ID, gateway.ErrUnknownPayment)
	}
	if err != nil {
		return gateway.Result{}, err
	}
	return o.toResult(), nil
}

// Cancel implements gateway.Gateway. What was never created is created and closed: a Create that comes later finds it so.
func (g *Gateway) Cancel(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	o, existed, err := g.findOrder(ctx, p)
	if err != nil {
		return gateway.Result{}, err
	}
	result := o.toResult()
	if o.isOpen() {
		if result, err = g.closeOrder(ctx, o.ID, ""); err != nil {
			return gateway.Result{}, err
		}
	}
	if !existed && result.Outcome == payment.OutcomeFailed {
		return gateway.Result{}, fmt.Errorf("paypal: cancel payment %s: %w", p.ID, gateway.ErrUnknownPayment)
	}
	return result, nil
}

// createOrder makes the order, or answers the one that was made before as it is now, and says which.
func (g *Gateway) createOrder(ctx context.Context, p gateway.Payment) (o order, existed bool, err error) {
	value, err := toAmount(p.Amount)
	if err != nil {
		return order{}, false, err
	}
	status, err := g.client.call(ctx, request{
		what: "create payment " + p.ID, method: http.MethodPost, path: "/v2/checkout/orders", key: p.ID, body: newOrder(p, value),
	}, &o)
	if err != nil {
		return order{}, false, err
	}
	if made, err := o.purchaseUnit().Amount.toMoney(); err != nil || made != p.Amount {
		return order{}, false, fmt.Errorf("paypal: create payment %s: it exists with another amount", p.ID)
	}
	return o, status == http.StatusOK, nil
}

// findOrder answers the order by PayPal's id or, when that was never recorded, by ours. It did not exist when it had to be made for that.
func (g *Gateway) findOrder(ctx context.Context, p gateway.Payment) (o order, existed bool, err error) {
	if p.TransactionID != "" {
		o, err = g.fetchOrder(ctx, p.TransactionID)
		return o, true, err
	}
	o, existed, err = g.createOrder(ctx, p)
	if unpayableReason(err) != "" {
		err = fmt.Errorf("paypal: find payment %s: %w", p.ID, gateway.ErrUnknownPayment)
	}
	return o, existed, err
}

func (g *Gateway) fetchOrder(ctx context.Context, id string) (o order, err error) {
	_, err = g.client.call(ctx, request{what: "read order " + id, method: http.MethodGet, path: orderPath(id)}, &o)
	if refused, ok := errors.AsType[*refusal](err); ok && refused.status == http.StatusNotFound {
		return o, fmt.Errorf("%w: %w", gateway.ErrUnknownPayment, refused) // PayPal forgets what nobody approves
	}
	return o, err
}

func (g *Gateway) captureOrder(ctx context.Context, p gateway.Payment) (o order, err error) {
	_, err = g.client.call(ctx, request{
		what: "capture payment " + p.ID, method: http.MethodPost, path: orderPath(p.TransactionID) + "/capture", key: p.ID + "/capture", body: struct{}{},
	}, &o)
	return o, err
}

// closeOrder makes sure that an order is never captured, and answers how it stands then: captured after all, if that was faster.
func (g *Gateway) closeOrder(ctx context.Context, id, mark string) (gateway.Result, error) {
	changes := []patch{{Op: "replace", Path: "/intent", Value: intentClosed}}
	if mark != "" {
		changes = append(changes, patch{Op: "add", Path: "/purchase_units/@reference_id=='default'/description", Value: mark})
	}
	_, refused := g.client.call(ctx, request{what: "close order " + id, method: http.MethodPatch, path: orderPath(id), body: changes}, nil)
	if _, ok := errors.AsType[*refusal](refused); refused != nil && !ok {
		return gateway.Result{}, refused
	}
	o, err := g.fetchOrder(ctx, id)
	if err != nil {
		return gateway.Result{}, err
	}
	if o.isOpen() {
		return gateway.Result{}, errors.Join(fmt.Errorf("paypal: order %s is neither over nor to be closed", id), refused)
	}
	return o.toResult(), nil
}

func orderPath(id string) string { return "/v2/checkout/orders/" + url.PathEscape(id) }
