// Package paypal takes payments through PayPal's Orders v2: the customer approves an order on PayPal's page, and a call of ours captures it
// afterwards. PayPal never captures by itself, so an order that is not captured costs nothing.
//
// PayPal can't cancel such an order. Giving a payment up changes the order's intent to AUTHORIZE instead: from then on PayPal refuses to
// capture it, and every later call sees that it was given up. A declined one is closed in the same way, with a mark, so that it cannot be
// approved again after the reservation was released.
//
// Every POST has an idempotency key (PayPal-Request-Id): the payment's id, and another one for the capture. When a key is used again,
// PayPal returns the object as it is now, with 200 instead of 201. That is how an order whose id was never recorded is found within the six
// hours for which PayPal keeps keys; after that a new order is made, and never captured.
package paypal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"ticketing/command/gateway"
	"ticketing/command/payment"
)

// Name is the gateway's name.
const Name = "paypal"

// Config configures a Gateway.
type Config struct {
	ClientID     string // PAYPAL_CLIENT_ID. Required.
	ClientSecret string // PAYPAL_CLIENT_SECRET. Required.
	APIBase      string // PAYPAL_API_BASE, without a path. Required.
	WebhookID    string // PAYPAL_WEBHOOK_ID. Default: every webhook is refused.
}

// Gateway implements gateway.Gateway and webhook.Source.
type Gateway struct {
	client   *client
	webhooks webhookCalls
}

var _ gateway.Gateway = (*Gateway)(nil)

// New returns a gateway. It sends nothing.
func New(c Config) *Gateway {
	return &Gateway{client: newClient(c), webhooks: newWebhookCalls(newClient(c))}
}

// Name implements gateway.Gateway.
func (g *Gateway) Name() string { return Name }

// Create implements gateway.Gateway.
func (g *Gateway) Create(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	o, _, err := g.createOrder(ctx, p)
	if reason := unpayableReason(err); reason != "" {
		return gateway.Declined("", reason), nil
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

// Confirm implements gateway.Gateway: it captures an order that the customer has approved, and returns the page on which to approve any
// other.
func (g *Gateway) Confirm(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	if p.TransactionID == "" {
		return gateway.Result{}, fmt.Errorf("confirm payment %s at PayPal: %w", p.ID, gateway.ErrUnknownPayment)
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
		if o, err = g.fetchOrder(ctx, p.TransactionID); err != nil { // another call was faster
			return gateway.Result{}, err
		}
		return o.toResult(), nil
	}
	return g.closeOrder(ctx, p.TransactionID, declinedMark)
}

// Lookup implements gateway.Gateway. An order that waits for its customer requires action, whether or not it was confirmed: a retry of the
// payment sends the customer to approve it.
func (g *Gateway) Lookup(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	o, existed, err := g.findOrder(ctx, p)
	if err == nil && !existed {
		err = fmt.Errorf("look up payment %s at PayPal: %w", p.ID, gateway.ErrUnknownPayment)
	}
	if err != nil {
		return gateway.Result{}, err
	}
	return o.toResult(), nil
}

// Cancel implements gateway.Gateway. What was never created is created and closed, so that a later Create finds it closed.
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
		return gateway.Result{}, fmt.Errorf("cancel payment %s at PayPal: %w", p.ID, gateway.ErrUnknownPayment)
	}
	return result, nil
}

// createOrder creates the order, or returns the existing one as it is now.
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
		return order{}, false, fmt.Errorf("create payment %s at PayPal: it exists with another amount", p.ID)
	}
	return o, status == http.StatusOK, nil
}

// findOrder returns the order by PayPal's id or, if that was never recorded, by ours. If it had to be created for that, it did not exist.
func (g *Gateway) findOrder(ctx context.Context, p gateway.Payment) (o order, existed bool, err error) {
	if p.TransactionID != "" {
		o, err = g.fetchOrder(ctx, p.TransactionID)
		return o, true, err
	}
	o, existed, err = g.createOrder(ctx, p)
	if unpayableReason(err) != "" {
		err = fmt.Errorf("find payment %s at PayPal: %w", p.ID, gateway.ErrUnknownPayment)
	}
	return o, existed, err
}

func (g *Gateway) fetchOrder(ctx context.Context, id string) (o order, err error) {
	_, err = g.client.call(ctx, request{what: "read order " + id, method: http.MethodGet, path: orderPath(id)}, &o)
	if refused, ok := errors.AsType[*refusal](err); ok && refused.status == http.StatusNotFound {
		return o, fmt.Errorf("%w: %w", gateway.ErrUnknownPayment, refused) // PayPal drops orders that are not approved
	}
	return o, err
}

func (g *Gateway) captureOrder(ctx context.Context, p gateway.Payment) (o order, err error) {
	_, err = g.client.call(ctx, request{
		what: "capture payment " + p.ID, method: http.MethodPost, path: orderPath(p.TransactionID) + "/capture", key: p.ID + "/capture", body: struct{}{},
	}, &o)
	return o, err
}

// closeOrder makes sure that an order is never captured, and returns its state: captured, if the capture was faster.
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
		return gateway.Result{}, errors.Join(fmt.Errorf("close order %s at PayPal: it is neither final nor closable", id), refused)
	}
	return o.toResult(), nil
}

func orderPath(id string) string { return "/v2/checkout/orders/" + url.PathEscape(id) }

// PagesOf returns the origin of the pages on which customers approve payments, by that of PayPal's API.
func PagesOf(apiBase string) string {
	return strings.NewReplacer("://api-m.", "://www.", "://api.", "://www.").Replace(strings.TrimSuffix(apiBase, "/"))
}
