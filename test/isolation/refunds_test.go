package isolation

import "github.com/stretchr/testify/require"

// refusedRefunds asks for refunds that the gateway refuses, again and again.
var refusedRefunds = party{
	name: "refused refunds", workers: 4,
	prepare: func(h *house) (p plan) {
		organizer, buyer := h.newOrganizer(), h.newUser()
		p.Clients = []client{organizer}
		eventID := h.addEvent(organizer, vars{"capacity": 1_000})
		for range 20 {
			r, err := buyer.reserve(h.t.Context(), eventID)
			require.NoError(h.t, err)
			paymentID, err := buyer.pay(h.t.Context(), r, "pm_card_refundFail")
			require.NoError(h.t, err)
			p.Payments = append(p.Payments, paymentID)
		}
		return p
	},
	attack: func(a *attacker, worker int) error {
		a.mu.Lock()
		paymentID := a.Payments[0]
		a.Payments = append(a.Payments[1:], paymentID)
		a.mu.Unlock()
		return a.Clients[0].mutate(a.ctx, "refundPayment", "RefundPaymentInput", "refund { id }", vars{"paymentId": paymentID, "idempotencyKey": newKey()}, nil)
	},
}
