// Package stripe takes card payments through Stripe: PaymentIntents that are created without a way to pay, and get one when they are
// confirmed. So nothing can be charged before the gateway's id is in the log, and the creation, which has nothing secret in it, can be
// repeated by whoever comes later: within Stripe's 24 hours its idempotency key answers with the same PaymentIntent. That is how a
// payment is found whose id was never recorded. (Stripe's search would find it too, but a moment late, which could lose one.)
//
// An answer that Stripe only repeats is out of date, so the PaymentIntent is read again then. A decline is final: the PaymentIntent is
// cancelled, so that nobody who holds its client secret can pay it with another card after the reservation was given up.
//
// Amounts go out in Stripe's units (amount.go), and customers read our words for a decline, never Stripe's (decline.go). The API's version
// is that of the library, stripe.APIVersion; a webhook endpoint has to be made for the same one.
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
	"ticketing/command/payment"
)

// Name is the gateway's name.
const Name = "stripe"

// Keys of the metadata of what we make at Stripe.
const (
	metaPayment     = "payment_id"
	metaReservation = "reservation_id"
	metaRefund      = "refund_id"
)

// Config is what a Gateway needs.
type Config struct {
	APIKey        string // STRIPE_API_KEY
	WebhookSecret string // STRIPE_WEBHOOK_SECRET
	APIBase       string // STRIPE_API_BASE
}

// Gateway implements gateway.Gateway.
type Gateway struct {
	intents       paymentintent.Client
	refunds       refund.Client
	disputes      dispute.Client
	webhookSecret string
}

var _ gateway.Gateway = (*Gateway)(nil)

// New answers a gateway. It calls nobody.
func New(c Config) *Gateway {
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: new(strings.TrimSuffix(c.APIBase, "/")), HTTPClient: &http.Client{Transport: transport()},
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull}, // it would print what customers sent
		MaxNetworkRetries: new(int64(0)),                                  // see call
		EnableTelemetry:   new(false),
	})
	return &Gateway{
		intents:       paymentintent.Client{B: backend, Key: c.APIKey},
		refunds:       refund.Client{B: backend, Key: c.APIKey},
		disputes:      dispute.Client{B: backend, Key: c.APIKey},
		webhookSecret: c.WebhookSecret,
	}
}

// transport is the default one, but of this gateway alone: many calls at a time go to one host.
func transport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one
	t.MaxIdleConnsPerHost = 64
	return t
}

// Name implements gateway.Gateway.
func (g *Gateway) Name() string { return Name }

// Create implements gateway.Gateway.
func (g *Gateway) Create(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	intent, _, err := g.createIntent(ctx, p)
	if reason := unpayableReason(err); reason != "" {
		return gateway.Result{Outcome: payment.OutcomeFailed, Code: payment.Declined, Reason: reason}, nil
	}
	if err != nil {
		return gateway.Result{}, err
	}
	return g.concludeIntent(ctx, intent, "")
}

// Confirm implements gateway.Gateway. Without a card token it asks how the payment stands: the customer's action has moved it on.
func (g *Gateway) Confirm(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	if p.TransactionID == "" {
		return gateway.Result{}, fmt.Errorf("stripe: confirm payment %s: %w", p.ID, gateway.ErrUnknownPayment)
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
	if refused != nil && isUntouched(intent) && !isDecline(refused) { // nothing that the customer could mend
		return gateway.Result{}, refused
	}
	return g.concludeIntent(ctx, intent, refusalReason(refused))
}

// confirmWithoutToken is Confirm without a card token. A payment that still has no way to pay will not get one.
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
		err = fmt.Errorf("stripe: look up payment %s: %w", p.ID, gateway.ErrUnknownPayment)
	}
	if err != nil {
		return gateway.Result{}, err
	}
	return g.concludeIntent(ctx, intent, "")
}

// Cancel implements gateway.Gateway. What was never created is created and cancelled: a Create that comes later finds it so.
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
		return gateway.Result{}, fmt.Errorf("stripe: cancel payment %s: %w", p.ID, gateway.ErrUnknownPayment)
	}
	return resultOf(intent), nil
}

// createIntent makes the PaymentIntent, or answers the one that was made before as it is now, and says which.
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

// findIntent answers the PaymentIntent of a payment by Stripe's id or, when that was never recorded, by ours. It did not exist when it had to be
// made for that: then nobody has confirmed it and, since its id is in nobody's hands, nobody will.
func (g *Gateway) findIntent(ctx context.Context, p gateway.Payment) (intent *stripe.PaymentIntent, existed bool, err error) {
	if p.TransactionID != "" {
		intent, err = g.fetchIntent(ctx, p)
		return intent, true, err
	}
	intent, existed, err = g.createIntent(ctx, p)
	if unpayableReason(err) != "" || isKeptFailure(err) {
		err = fmt.Errorf("stripe: find payment %s: %w", p.ID, gateway.ErrUnknownPayment)
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

// cancelIntent cancels a PaymentIntent, or answers it as it is when it can't be cancelled any more. Cancelling needs no key that comes again: it
// is idempotent by itself, and a kept refusal of it would be repeated when it has long been possible.
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
		return nil, errors.Join(errors.New("stripe: neither over nor to be cancelled"), refused)
	}
	return intent, err
}
