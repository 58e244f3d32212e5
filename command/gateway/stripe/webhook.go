package stripe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/stripe/stripe-go/v79/webhook"

	"ticketing/command/gateway"
)

// ReadWebhook checks Stripe's signature over the raw body, which must not be older than five minutes, and returns what the event is about.
// An event about anything but payments has no TransactionID. gateway.ErrNotGenuine: it was not sent by Stripe.
func (g *Gateway) ReadWebhook(_ context.Context, header http.Header, body []byte) (gateway.Notice, error) {
	err := errors.New("STRIPE_WEBHOOK_SECRET is not set")
	for _, secret := range g.webhookSecrets {
		if err = webhook.ValidatePayload(body, header.Get("Stripe-Signature"), secret); err == nil {
			break
		}
	}
	if err != nil {
		return gateway.Notice{}, fmt.Errorf("%w: %w", gateway.ErrNotGenuine, err)
	}
	var event struct {
		ID   string
		Type string
		Data struct {
			Object struct {
				ID            string
				PaymentIntent string `json:"payment_intent"`
				Metadata      map[string]string
			}
		}
	}
	if err := json.Unmarshal(body, &event); err != nil || event.ID == "" {
		return gateway.Notice{}, fmt.Errorf("%w: it is not an event", gateway.ErrNotGenuine)
	}
	about := event.Data.Object
	notice := gateway.Notice{EventID: event.ID, Type: event.Type}
	switch {
	case strings.HasPrefix(event.Type, "payment_intent."):
		notice.TransactionID, notice.PaymentID = about.ID, about.Metadata[metaPayment]
	case strings.HasPrefix(event.Type, "refund."), event.Type == "charge.refunded", event.Type == "charge.refund.updated",
		strings.HasPrefix(event.Type, "charge.dispute."):
		notice.TransactionID, notice.PaymentID, notice.Reversal = about.PaymentIntent, about.Metadata[metaPayment], true
	}
	return notice, nil
}

// PaymentID returns our id of a payment; gateway.ErrUnknownPayment when it is not ours.
func (g *Gateway) PaymentID(ctx context.Context, transactionID string) (string, error) {
	intent, err := g.fetchIntent(ctx, gateway.Payment{ID: transactionID, TransactionID: transactionID})
	if err != nil {
		return "", err
	}
	if paymentID := intent.Metadata[metaPayment]; paymentID != "" {
		return paymentID, nil
	}
	return "", fmt.Errorf("read the payment of %s: %w", transactionID, gateway.ErrUnknownPayment)
}
