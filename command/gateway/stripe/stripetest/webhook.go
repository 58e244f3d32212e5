package stripetest

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v79"
	"github.com/stripe/stripe-go/v79/webhook"
)

// Event is a webhook event.
type Event struct {
	ID, Type      string
	TransactionID string
	Body          []byte
}

// emitEvent takes an event down, and sends it where events are sent by themselves. It is called under the lock.
func (s *Server) emitEvent(kind string, data object) {
	e := NewEvent(kind, data)
	s.events = append(s.events, e)
	if s.hook == "" {
		return
	}
	s.sending.Go(func() {
		for range 5 { // as Stripe does, with longer pauses
			if status, err := post(s.hook, e.Body, Sign(e.Body, time.Now())); err == nil && status < http.StatusMultipleChoices {
				return
			}
			time.Sleep(200 * time.Millisecond)
		}
	})
}

// NewEvent makes an event about an object.
func NewEvent(kind string, data map[string]any) Event {
	e := Event{ID: newID("evt"), Type: kind}
	e.TransactionID, _ = data["payment_intent"].(string)
	if e.TransactionID == "" {
		e.TransactionID, _ = data["id"].(string)
	}
	e.Body = encode(object{
		"id": e.ID, "object": "event", "type": kind, "api_version": stripe.APIVersion, "created": unixNow(), "livemode": false,
		"data": object{"object": data},
	})
	return e
}

// SendTo has all events sent there from now on, when they happen.
func (s *Server) SendTo(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = url
}

// Events answers the events about a PaymentIntent, oldest first.
func (s *Server) Events(transactionID string) []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.events), func(e Event) bool { return e.TransactionID != transactionID })
}

// Sign answers the Stripe-Signature header of a body that is sent at that time.
func Sign(body []byte, at time.Time) string {
	return webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: body, Secret: WebhookSecret, Timestamp: at}).Header
}

// Send sends an event, signed, and answers the status.
func Send(t testing.TB, url string, e Event) int {
	t.Helper()
	return SendSigned(t, url, e.Body, Sign(e.Body, time.Now()))
}

// SendSigned sends a body with any signature.
func SendSigned(t testing.TB, url string, body []byte, signature string) int {
	t.Helper()
	status, err := post(url, body, signature)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

func post(url string, body []byte, signature string) (int, error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Stripe-Signature", signature)
	answered, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	return answered.StatusCode, answered.Body.Close()
}
