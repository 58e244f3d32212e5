package stripe_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/gateway"
	"ticketing/command/gateway/stripe"
	"ticketing/command/gateway/stripe/stripetest"
)

// FuzzReadWebhook checks that no signature is genuine but Stripe's own of that body, and that any body that is signed is an event or refused.
func FuzzReadWebhook(f *testing.F) {
	for _, kind := range []string{"payment_intent.succeeded", "charge.refunded", "charge.dispute.created", "customer.created"} {
		e := stripetest.NewEvent(kind, map[string]any{"id": "pi_1", "payment_intent": "pi_1", "metadata": map[string]any{"payment_id": "pay_1"}})
		f.Add(e.Body, "t=1,v1=00")
	}
	f.Add([]byte(`{"id":"evt_1","data":null}`), "")
	f.Add([]byte(`[]`), "t=9999999999999999999,v1=,v1=zz")
	g := stripe.New(stripe.Config{APIKey: "sk_test_1", APIBase: "http://127.0.0.1:1", WebhookSecrets: []string{"whsec_the_next_one", stripetest.WebhookSecret}})
	f.Fuzz(func(t *testing.T, body []byte, signature string) {
		_, err := g.ReadWebhook(t.Context(), http.Header{"Stripe-Signature": {signature}}, body)
		require.ErrorIs(t, err, gateway.ErrNotGenuine)

		signed := http.Header{"Stripe-Signature": {stripetest.Sign(body, time.Now())}}
		notice, err := g.ReadWebhook(t.Context(), signed, body)
		if err != nil {
			require.ErrorIs(t, err, gateway.ErrNotGenuine)
		} else {
			require.NotEmpty(t, notice.EventID)
		}
		_, err = g.ReadWebhook(t.Context(), signed, append(body, ' '))
		require.ErrorIs(t, err, gateway.ErrNotGenuine)
	})
}
