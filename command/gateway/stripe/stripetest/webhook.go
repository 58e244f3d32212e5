package stripetest

import (
	"net/http"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v79"
	"github.com/stripe/stripe-go/v79/webhook"

	"ticketing/command/gateway/gatewaytest"
)

// Event is a webhook event.
type Event = gatewaytest.Event

func (s *Server) emitEvent(kind string, data object) { s.Emit(NewEvent(kind, data)) }

// NewEvent returns an event about an object.
func NewEvent(kind string, data map[string]any) Event {
	e := Event{ID: newID("evt"), Type: kind}
	e.TransactionID, _ = data["payment_intent"].(string)
	if e.TransactionID == "" {
		e.TransactionID, _ = data["id"].(string)
	}
	e.Body = gatewaytest.Encode(object{
		"id": e.ID, "object": "event", "type": kind, "api_version": stripe.APIVersion, "created": time.Now().Unix(), "livemode": false,
		"data": object{"object": data},
	})
	return e
}

// Sign returns the Stripe-Signature header of a body that is sent at that time.
func Sign(body []byte, at time.Time) string { return SignWith(WebhookSecret, body, at) }

// SignWith is Sign with another secret.
func SignWith(secret string, body []byte, at time.Time) string {
	return webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: body, Secret: secret, Timestamp: at}).Header
}

// SendSigned sends a body with any signature, and returns the status of the answer.
func SendSigned(t testing.TB, url string, body []byte, signature string) int {
	t.Helper()
	return gatewaytest.SendSigned(t, url, body, signatureHeader(signature))
}

func signatureHeader(signature string) http.Header {
	return http.Header{"Stripe-Signature": {signature}}
}
