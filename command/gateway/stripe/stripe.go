// Package stripe takes card payments through Stripe. A PaymentIntent is created without a payment method and gets one when it is confirmed.
// So nothing can be charged before the gateway's id is in the log, and creating it, which needs no secret, can be repeated at any time:
// within 24 hours Stripe returns the same PaymentIntent for the same idempotency key. That is how a payment whose id was never recorded is
// found. (Stripe's search lags behind, so it could miss one.)
//
// A replayed response is out of date, so the PaymentIntent is read again after it. A decline is final: the PaymentIntent is cancelled, so
// that its client secret cannot be used to pay with another card after the reservation was released.
//
// Amounts are sent in Stripe's units (amount.go), and customers read our words for a decline, never Stripe's (decline.go). The API's version
// is that of the library, stripe.APIVersion; a webhook endpoint must be created for the same one.
package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/stripe/stripe-go/v79"
	"github.com/stripe/stripe-go/v79/dispute"
	"github.com/stripe/stripe-go/v79/paymentintent"
	"github.com/stripe/stripe-go/v79/refund"

	"ticketing/command/gateway"
	"ticketing/command/gateway/remote"
	"ticketing/command/payment"
)

// Name is the gateway's name.
const Name = "stripe"

// Keys of the metadata of what we create at Stripe.
const (
	metaPayment     = "payment_id"
	metaReservation = "reservation_id"
	metaRefund      = "refund_id"
)

// Config configures a Gateway.
type Config struct {
	APIKey  string // STRIPE_API_KEY. Required.
	APIBase string // STRIPE_API_BASE, without a path. Required.

	WebhookSecrets []string // STRIPE_WEBHOOK_SECRET: each is accepted. Default: every webhook is refused.
}

// Gateway implements gateway.Gateway.
type Gateway struct {
	intents        paymentintent.Client
	refunds        refund.Client
	disputes       dispute.Client
	webhookSecrets []string
}

var _ gateway.Gateway = (*Gateway)(nil)

// New returns a gateway. It sends nothing.
func New(c Config) *Gateway {
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: new(strings.TrimSuffix(c.APIBase, "/")), HTTPClient: &http.Client{Transport: remote.NewTransport()},
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull}, // it would log what customers sent
		MaxNetworkRetries: new(int64(0)),                                  // see callStripe
		EnableTelemetry:   new(false),
	})
	return &Gateway{
		intents:        paymentintent.Client{B: backend, Key: c.APIKey},
		refunds:        refund.Client{B: backend, Key: c.APIKey},
		disputes:       dispute.Client{B: backend, Key: c.APIKey},
		webhookSecrets: c.WebhookSecrets,
	}
}

// Name implements gateway.Gateway.
func (g *Gateway) Name() string { return Name }

// Create implements gateway.Gateway.
func (g *Gateway) Create(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	intent, _, err := g.createIntent(ctx, p)
	if reason := unpayableReason(err); reason != "" {
		return gateway.Declined("", reason), nil
	}
	if err != nil {
		return gateway.Result{}, err
	}
	return g.concludeIntent(ctx, intent, "")
}

// Confirm implements gateway.Gateway. Without a card token it reads the payment, which the customer's action has confirmed.
func (g *Gateway) Confirm(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	if p.TransactionID == "" {
		return gateway.Result{}, fmt.Errorf("confirm payment %s at Stripe: %w", p.ID, gateway.ErrUnknownPayment)
	}
	method, ok := confirmParams(p.CardToken)
	if !ok {
		return g.confirmWithoutToken(ctx, p)
	}
	method.IdempotencyKey = new(p.ID + "/confirm")
	intent, err := callStripe(ctx, "confirm payment "+p.ID, func(ctx context.Context) (*stripe.PaymentIntent, error) {
		method.Context = ctx
		return g.intents.Confirm(p.TransactionID, method)
	})
	refused := refusalOf(err)
	switch {
	case err != nil && refused == nil:
		return gateway.Result{}, err
	case refused != nil || isReplayed(intent.LastResponse):
		if intent, err = g.fetchIntent(ctx, p); err != nil {
			return gateway.Result{}, err
		}
	}
	if refused != nil && isUntouched(intent) && !isDecline(refused) { // the customer can do nothing about it
		return gateway.Result{}, refused
	}
	return g.concludeIntent(ctx, intent, refusalReason(refused))
}

// confirmWithoutToken is Confirm without a card token. A payment that has no payment method yet will not get one.
func (g *Gateway) confirmWithoutToken(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	intent, err := g.fetchIntent(ctx, p)
	if err != nil {
		return gateway.Result{}, err
	}
	reason := ""
	if isUntouched(intent) {
		reason = unknownMethod
	}
	return g.concludeIntent(ctx, intent, reason)
}

// Lookup implements gateway.Gateway.
func (g *Gateway) Lookup(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	intent, existed, err := g.findIntent(ctx, p)
	if err == nil && !existed {
		err = fmt.Errorf("look up payment %s at Stripe: %w", p.ID, gateway.ErrUnknownPayment)
	}
	if err != nil {
		return gateway.Result{}, err
	}
	return g.concludeIntent(ctx, intent, "")
}

// Cancel implements gateway.Gateway. What was never created is created and cancelled, so that a later Create finds it cancelled.
func (g *Gateway) Cancel(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	intent, existed, err := g.findIntent(ctx, p)
	if err != nil {
		return gateway.Result{}, err
	}
	if intent.Status != stripe.PaymentIntentStatusCanceled {
		if intent, err = g.cancelIntent(ctx, intent.ID, stripe.PaymentIntentCancellationReasonAbandoned); err != nil {
			return gateway.Result{}, err
		}
	}
	if !existed && intent.Status == stripe.PaymentIntentStatusCanceled {
		return gateway.Result{}, fmt.Errorf("cancel payment %s at Stripe: %w", p.ID, gateway.ErrUnknownPayment)
	}
	return resultOf(intent), nil
}

// createIntent creates the PaymentIntent, or returns the existing one as it is now.
func (g *Gateway) createIntent(ctx context.Context, p gateway.Payment) (intent *stripe.PaymentIntent, existed bool, err error) {
	units, err := toUnits(p.Amount)
	if err != nil {
		return nil, false, err
	}
	params := &stripe.PaymentIntentParams{
		Amount: &units, Currency: new(strings.ToLower(p.Amount.Currency)), PaymentMethodTypes: []*string{new("card")},
		Metadata: map[string]string{metaPayment: p.ID, metaReservation: p.ReservationID},
	}
	params.IdempotencyKey = new(p.ID + "/create")
	intent, err = callStripe(ctx, "create payment "+p.ID, func(ctx context.Context) (*stripe.PaymentIntent, error) {
		params.Context = ctx
		return g.intents.New(params)
	})
	if err != nil || !isReplayed(intent.LastResponse) {
		return intent, false, err
	}
	p.TransactionID = intent.ID
	intent, err = g.fetchIntent(ctx, p)
	return intent, true, err
}

// findIntent returns the PaymentIntent of a payment by Stripe's id or, if that was never recorded, by ours. If it had to be created for
// that, it did not exist: it was not confirmed and, since its id was never given out, it never will be.
func (g *Gateway) findIntent(ctx context.Context, p gateway.Payment) (intent *stripe.PaymentIntent, existed bool, err error) {
	if p.TransactionID != "" {
		intent, err = g.fetchIntent(ctx, p)
		return intent, true, err
	}
	intent, existed, err = g.createIntent(ctx, p)
	if unpayableReason(err) != "" || isKeptFailure(err) {
		err = fmt.Errorf("find payment %s at Stripe: %w", p.ID, gateway.ErrUnknownPayment)
	}
	return intent, existed, err
}

func (g *Gateway) fetchIntent(ctx context.Context, p gateway.Payment) (*stripe.PaymentIntent, error) {
	intent, err := callStripe(ctx, "read payment "+p.ID, func(ctx context.Context) (*stripe.PaymentIntent, error) {
		return g.intents.Get(p.TransactionID, &stripe.PaymentIntentParams{Params: stripe.Params{Context: ctx}})
	})
	if refused := refusalOf(err); refused != nil && refused.status == http.StatusNotFound {
		return nil, fmt.Errorf("%w: %w", gateway.ErrUnknownPayment, refused)
	}
	return intent, err
}

// cancelIntent cancels a PaymentIntent, or returns it as it is when it can't be cancelled any more. It has no idempotency key of ours:
// cancelling is idempotent by itself, and Stripe would repeat a refusal even after cancelling has become possible.
func (g *Gateway) cancelIntent(ctx context.Context, id string, reason stripe.PaymentIntentCancellationReason) (*stripe.PaymentIntent, error) {
	intent, err := callStripe(ctx, "cancel "+id, func(ctx context.Context) (*stripe.PaymentIntent, error) {
		return g.intents.Cancel(id, &stripe.PaymentIntentCancelParams{
			Params: stripe.Params{Context: ctx}, CancellationReason: new(string(reason)),
		})
	})
	refused := refusalOf(err)
	if refused == nil {
		return intent, err
	}
	intent, err = g.fetchIntent(ctx, gateway.Payment{ID: id, TransactionID: id})
	if err == nil && intent.Status != stripe.PaymentIntentStatusCanceled && resultOf(intent).Outcome != payment.OutcomeSucceeded &&
		intent.Status != stripe.PaymentIntentStatusProcessing {
		return nil, errors.Join(fmt.Errorf("cancel %s at Stripe: it is neither final nor cancellable", id), refused)
	}
	return intent, err
}
