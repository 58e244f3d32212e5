package paypal

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"ticketing/command/gateway"
	"ticketing/internal/id"
)

// signatureHeaders are the headers of a webhook's signature, by the names that the request to verify it has for them.
var signatureHeaders = map[string]string{
	"auth_algo": "Paypal-Auth-Algo", "cert_url": "Paypal-Cert-Url", "transmission_id": "Paypal-Transmission-Id",
	"transmission_sig": "Paypal-Transmission-Sig", "transmission_time": "Paypal-Transmission-Time",
}

// longestHeader is PayPal's own bound of each.
const longestHeader = 500

// oldestTransmission is more than the three days for which PayPal sends a webhook again.
const oldestTransmission = 5 * 24 * time.Hour

// hasShape reports of each header whether it can be PayPal's at all, so that PayPal is not asked about nonsense.
var hasShape = map[string]func(string) bool{
	"auth_algo":       func(s string) bool { return s == "SHA256withRSA" },
	"transmission_id": func(s string) bool { return s != "" && !strings.ContainsFunc(s, isNeitherLetterNorDigit) },
	"transmission_sig": func(s string) bool {
		signature, err := base64.StdEncoding.DecodeString(s)
		return err == nil && len(signature) >= sha256.Size
	},
	"transmission_time": func(s string) bool {
		sent, err := time.Parse(time.RFC3339, s)
		age := time.Since(sent)
		return err == nil && age < oldestTransmission && age > -oldestTransmission
	},
	"cert_url": func(s string) bool {
		u, err := url.Parse(s)
		return err == nil && u.Scheme == "https" && u.User == nil && strings.HasSuffix(strings.ToLower(u.Host), ".paypal.com")
	},
}

func isNeitherLetterNorDigit(r rune) bool {
	return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}

// notice is a webhook event. Its resource is an order, a capture, a refund or a dispute.
type notice struct {
	ID       string `json:"id"`
	Type     string `json:"event_type"`
	Resource struct {
		ID            string         `json:"id"`
		CustomID      string         `json:"custom_id"`
		PurchaseUnits []purchaseUnit `json:"purchase_units"`
		Links         []link         `json:"links"`
		Disputed      []struct {
			SellerTransactionID string `json:"seller_transaction_id"`
		} `json:"disputed_transactions"`
	} `json:"resource"`
}

// ReadWebhook asks PayPal whether it sent the request, and returns what the event is about. An event about anything but payments has no
// TransactionID. gateway.ErrNotGenuine: it was not sent by PayPal.
func (g *Gateway) ReadWebhook(ctx context.Context, header http.Header, body []byte) (gateway.Notice, error) {
	var n notice
	if err := json.Unmarshal(body, &n); err != nil || n.ID == "" {
		return gateway.Notice{}, fmt.Errorf("%w: it is not an event", gateway.ErrNotGenuine)
	}
	if err := g.verifySignature(ctx, header, body); err != nil {
		return gateway.Notice{}, err
	}
	return n.toNotice(), nil
}

// verifySignature sends the event back with the same bytes, which PayPal's signature covers. The request has no idempotency key: PayPal
// would repeat its response for another event with the same id.
func (g *Gateway) verifySignature(ctx context.Context, header http.Header, body []byte) error {
	if g.client.config.WebhookID == "" {
		return fmt.Errorf("%w: PAYPAL_WEBHOOK_ID is not set", gateway.ErrNotGenuine)
	}
	asked := map[string]string{"webhook_id": g.client.config.WebhookID}
	for name, from := range signatureHeaders {
		asked[name] = header.Get(from)
		if len(asked[name]) > longestHeader || !hasShape[name](asked[name]) {
			return fmt.Errorf("%w: its header %s is missing or malformed", gateway.ErrNotGenuine, from)
		}
	}
	signature, err := json.Marshal(asked)
	if err != nil {
		return fmt.Errorf("encode a webhook's signature: %w", err)
	}
	content := slices.Concat(signature[:len(signature)-1], []byte(`,"webhook_event":`), body, []byte(`}`))
	var verification struct {
		Status string `json:"verification_status"`
	}
	err = g.webhooks.call(ctx, request{
		what: "verify a webhook", method: http.MethodPost, path: "/v1/notifications/verify-webhook-signature", body: content,
	}, &verification)
	refused, ok := errors.AsType[*refusal](err)
	switch {
	case ok && refused.isAboutContent():
		return fmt.Errorf("%w: its signature is malformed", gateway.ErrNotGenuine)
	case err != nil:
		return err
	case verification.Status != "SUCCESS":
		return fmt.Errorf("%w: its signature is wrong", gateway.ErrNotGenuine)
	}
	return nil
}

// toNotice returns what the event is about. The transaction is an order or a capture.
func (n notice) toNotice() gateway.Notice {
	read, about := gateway.Notice{EventID: n.ID, Type: n.Type}, n.Resource
	switch {
	case strings.HasPrefix(n.Type, "CHECKOUT.ORDER."):
		read.TransactionID, read.PaymentID = about.ID, order{PurchaseUnits: about.PurchaseUnits}.purchaseUnit().CustomID
	case n.Type == "PAYMENT.CAPTURE.REFUNDED", n.Type == "PAYMENT.CAPTURE.REVERSED", strings.HasPrefix(n.Type, "PAYMENT.REFUND."):
		read.TransactionID, read.Reversal = captureOf(about.Links), true
	case strings.HasPrefix(n.Type, "PAYMENT.CAPTURE."):
		read.TransactionID, read.PaymentID = about.ID, about.CustomID
	case strings.HasPrefix(n.Type, "CUSTOMER.DISPUTE.") && len(about.Disputed) > 0:
		read.TransactionID, read.Reversal = about.Disputed[0].SellerTransactionID, true
	}
	if id.Check(id.Payment, read.PaymentID) != nil {
		read.PaymentID = "" // the account is used for other sales, too
	}
	return read
}

// captureOf returns the capture among the links of a refund or of the capture itself.
func captureOf(links []link) string {
	for _, l := range links {
		if parent, id := path.Split(l.Href); (l.Rel == "up" || l.Rel == "self") && strings.HasSuffix(parent, "/captures/") {
			return id
		}
	}
	return ""
}

// PaymentID returns our id of a payment from its capture. It is not called for orders: their events have our id.
func (g *Gateway) PaymentID(ctx context.Context, transactionID string) (string, error) {
	var c struct {
		CustomID string `json:"custom_id"`
	}
	err := g.webhooks.call(ctx, request{
		what: "read capture " + transactionID, method: http.MethodGet, path: "/v2/payments/captures/" + url.PathEscape(transactionID),
	}, &c)
	refused, ok := errors.AsType[*refusal](err)
	switch {
	case ok && refused.status == http.StatusNotFound:
		return "", fmt.Errorf("%w: %w", gateway.ErrUnknownPayment, refused)
	case err != nil:
		return "", err
	case id.Check(id.Payment, c.CustomID) != nil:
		return "", fmt.Errorf("read the payment of capture %s: %w", transactionID, gateway.ErrUnknownPayment)
	}
	return c.CustomID, nil
}
