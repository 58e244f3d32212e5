package paypaltest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/http"
	"slices"
	"testing"
	"time"
)

// WebhookID is the id of the account's only webhook.
const WebhookID = "7PAYPALDOUBLEHOOK"

// Event is a webhook event, with the order that it is about.
type Event struct {
	ID, Type, TransactionID string
	Body                    []byte
}

// The headers of a webhook.
const (
	headerAlgorithm = "Paypal-Auth-Algo"
	headerCert      = "Paypal-Cert-Url"
	headerID        = "Paypal-Transmission-Id"
	headerTime      = "Paypal-Transmission-Time"
	headerSignature = "Paypal-Transmission-Sig"
)

// emitEvent takes an event down, and sends it where events are sent by themselves. It is called under the lock.
func (s *Server) emitEvent(kind, orderID string, resource any) {
	e := NewEvent(kind, orderID, resource)
	s.events = append(s.events, e)
	if s.hook == "" {
		return
	}
	to := s.hook
	s.sending.Go(func() {
		for range 5 { // as PayPal does, with longer pauses
			if status, err := post(to, e.Body, s.Sign(e.Body)); err == nil && status < http.StatusMultipleChoices {
				return
			}
			time.Sleep(200 * time.Millisecond)
		}
	})
}

// NewEvent makes an event about a resource. Its bytes are not those that Go would make of it: whoever encodes it anew breaks the signature.
func NewEvent(kind, orderID string, resource any) Event {
	e := Event{ID: "WH-" + rand.Text()[:17], Type: kind, TransactionID: orderID}
	content, err := json.Marshal(resource)
	if err != nil {
		panic(err)
	}
	e.Body = fmt.Appendf(nil, `{ "id":%q,"event_version":"1.0","event_type":%q,"summary":"Tom & J\u00e9r\u00f4me <tom@example.com>",  "resource":%s }`,
		e.ID, kind, content)
	return e
}

// SendTo has all events sent there from now on, when they happen.
func (s *Server) SendTo(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = url
}

// Last answers the newest event of that type about an order.
func (s *Server) Last(t testing.TB, orderID, kind string) Event {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range slices.Backward(s.events) {
		if e.TransactionID == orderID && e.Type == kind {
			return e
		}
	}
	t.Fatalf("there is no %s of order %s", kind, orderID)
	return Event{}
}

// Sign answers the headers of a body as this server sends it. PayPal's signature is RSA's, over the same text.
func (s *Server) Sign(body []byte) http.Header {
	header := http.Header{}
	header.Set("Content-Type", "application/json")
	header.Set(headerAlgorithm, "SHA256withRSA")
	header.Set(headerCert, "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-double")
	header.Set(headerID, rand.Text())
	header.Set(headerTime, time.Now().UTC().Format(time.RFC3339))
	header.Set(headerSignature, s.signBody(header.Get(headerID), header.Get(headerTime), WebhookID, body))
	return header
}

func (s *Server) signBody(id, at, webhookID string, body []byte) string {
	mac := hmac.New(sha256.New, s.signingKey)
	fmt.Fprintf(mac, "%s|%s|%s|%d", id, at, webhookID, crc32.ChecksumIEEE(body))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// verifyWebhook says whether an event was sent by this server: over its bytes as they are in the request.
func (s *Server) verifyWebhook(r *http.Request) response {
	var asked struct {
		Algorithm string          `json:"auth_algo"`
		Cert      string          `json:"cert_url"`
		ID        string          `json:"transmission_id"`
		Signature string          `json:"transmission_sig"`
		Time      string          `json:"transmission_time"`
		WebhookID string          `json:"webhook_id"`
		Event     json.RawMessage `json:"webhook_event"`
	}
	if json.NewDecoder(r.Body).Decode(&asked) != nil || asked.Algorithm == "" || asked.Cert == "" || asked.ID == "" || asked.Event == nil {
		return refuse(http.StatusBadRequest, "VALIDATION_ERROR")
	}
	if _, err := time.Parse(time.RFC3339, asked.Time); err != nil {
		return refuse(http.StatusBadRequest, "VALIDATION_ERROR")
	}
	status := "FAILURE"
	if asked.WebhookID == WebhookID && asked.Signature == s.signBody(asked.ID, asked.Time, asked.WebhookID, asked.Event) {
		status = "SUCCESS"
	}
	return response{http.StatusOK, map[string]string{"verification_status": status}}
}

// Send sends an event, signed, and answers the status.
func (s *Server) Send(t testing.TB, url string, e Event) int {
	t.Helper()
	return SendSigned(t, url, e.Body, s.Sign(e.Body))
}

// SendSigned sends a body with any headers.
func SendSigned(t testing.TB, url string, body []byte, header http.Header) int {
	t.Helper()
	status, err := post(url, body, header)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

func post(url string, body []byte, header http.Header) (int, error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header = header
	answered, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	return answered.StatusCode, answered.Body.Close()
}
