package isolation

import (
	"fmt"
	"io"
)

// strangersWebhooks sends what looks like webhooks of the gateways, and is not from them.
var strangersWebhooks = party{
	name: "strangers' webhooks", workers: 16,
	prepare: func(h *house) plan { return plan{Clients: []client{h.visitor()}} },
	attack: func(a *attacker, worker int) error {
		path := []string{"/webhooks/stripe", "/webhooks/paypal"}[worker%2]
		body := fmt.Sprintf(`{"id":"evt_%s","event_type":"PAYMENT.CAPTURE.COMPLETED","type":"payment_intent.succeeded","resource":{"id":"x"}}`, newKey())
		r, err := a.Clients[0].request(a.ctx, path, []byte(body))
		if err != nil {
			return err
		}
		r.Header.Set("Stripe-Signature", "t=1,v1=00")
		for _, name := range []string{"Transmission-Id", "Transmission-Sig", "Cert-Url", "Auth-Algo"} {
			r.Header.Set("Paypal-"+name, "https://api.paypal.com/x")
		}
		r.Header.Set("Paypal-Transmission-Time", "2026-01-01T00:00:00Z")
		response, err := connections.Do(r)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		_, _ = io.Copy(io.Discard, response.Body)
		return fmt.Errorf("%s: %s", path, response.Status)
	},
}
