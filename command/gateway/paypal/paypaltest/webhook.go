package paypaltest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/http"
	"time"

	"ticketing/command/gateway/gatewaytest"
)

// WebhookID is the id of the account's only webhook.
const WebhookID = "7PAYPALDOUBLEHOOK"

// Event is a webhook event; its TransactionID is the order's.
type Event = gatewaytest.Event

// The headers of a webhook.
const (
	headerAlgorithm = "Paypal-Auth-Algo"
	headerCert      = "Paypal-Cert-Url"
	headerID        = "Paypal-Transmission-Id"
	headerTime      = "Paypal-Transmission-Time"
	headerSignature = "Paypal-Transmission-Sig"
)

func (s *Server) emitEvent(kind, orderID string, resource any) {
	s.Emit(NewEvent(kind, orderID, resource))
}

// NewEvent returns an event about a resource. Its bytes are not those that Go would write: decoding and encoding it again breaks the
// signature.
func NewEvent(kind, orderID string, resource any) Event {
	e := Event{ID: "WH-" + rand.Text()[:17], Type: kind, TransactionID: orderID}
	e.Body = fmt.Appendf(nil, `{ "id":%q,"event_version":"1.0","event_type":%q,"summary":"Tom & J\u00e9r\u00f4me <tom@example.com>",  "resource":%s }`,
		e.ID, kind, gatewaytest.Encode(resource))
	return e
}

// Sign returns the headers with which this server sends a body. PayPal signs the same text with RSA.
func (s *Server) Sign(body []byte) http.Header {
	header := http.Header{}
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

// verifyWebhook reports whether this server sent an event, from its bytes as they are in the request.
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
	return succeed(map[string]string{"verification_status": status})
}
