package paypal_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/gateway"
	"ticketing/command/gateway/paypal"
	"ticketing/command/gateway/paypal/paypaltest"
	"ticketing/internal/id"
)

// FuzzReadWebhook checks that any body and header are refused or an event, and that only what PayPal has signed is one.
func FuzzReadWebhook(f *testing.F) {
	double := paypaltest.New(f)
	g := paypal.New(paypal.Config{
		ClientID: paypaltest.ClientID, ClientSecret: paypaltest.ClientSecret, APIBase: double.URL, WebhookID: paypaltest.WebhookID,
	})
	for _, kind := range []string{"PAYMENT.CAPTURE.COMPLETED", "CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.REFUNDED", "CUSTOMER.DISPUTE.CREATED"} {
		e := paypaltest.NewEvent(kind, "", map[string]string{"id": "1", "custom_id": id.New(id.Payment)})
		f.Add(e.Body, "Paypal-Transmission-Sig", "bm9uc2Vuc2U=")
	}
	f.Add([]byte(`{"id":"1","resource":{"links":[{"rel":"up","href":"%zz/captures/"}],"purchase_units":[null]}}`), "Paypal-Cert-Url", "https://x.paypal.com.evil.example")
	f.Add([]byte(`{"id":"1"},"webhook_event":{"id":"2"}`), "Paypal-Auth-Algo", "SHA256withRSA")
	f.Fuzz(func(t *testing.T, body []byte, name, value string) {
		notice, err := g.ReadWebhook(t.Context(), double.Sign(body), body)
		if err == nil {
			require.NotEmpty(t, notice.EventID)
		} else {
			require.ErrorIs(t, err, gateway.ErrNotGenuine)
		}
		changed := double.Sign(body)
		changed.Set(name, value)
		if _, err = g.ReadWebhook(t.Context(), changed, bytes.ReplaceAll(body, []byte(`"id"`), []byte(`"id" `))); err == nil {
			require.NotContains(t, string(body), `"id"`, "a body that PayPal has not signed")
		}
	})
}
