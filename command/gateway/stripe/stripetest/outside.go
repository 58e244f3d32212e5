package stripetest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The methods below are what happens at Stripe without a call of this project: what customers, banks and users of the dashboard do.
// transactionID is the id of the PaymentIntent.

// Authenticate is the customer proving their identity to the bank, after which the payment continues by itself.
func (s *Server) Authenticate(t testing.TB, clientSecret string) {
	t.Helper()
	s.changeIntent(t, TransactionOf(clientSecret), func(i *intent) {
		require.Equal(t, i.secret, clientSecret, i.id)
		s.finishAuthentication(t, i)
	})
}

// TransactionOf returns the id of the PaymentIntent that a client secret is of.
func TransactionOf(clientSecret string) string {
	transactionID, _, _ := strings.Cut(clientSecret, "_secret_")
	return transactionID
}

// AuthenticateTransaction is Authenticate for tests without the client secret.
func (s *Server) AuthenticateTransaction(t testing.TB, transactionID string) {
	t.Helper()
	s.changeIntent(t, transactionID, func(i *intent) { s.finishAuthentication(t, i) })
}

// AuthenticateIfWaiting is Authenticate for a customer whose payment may have been given up meanwhile.
func (s *Server) AuthenticateIfWaiting(t testing.TB, clientSecret string) {
	t.Helper()
	transactionID, _, _ := strings.Cut(clientSecret, "_secret_")
	s.changeIntent(t, transactionID, func(i *intent) {
		if i.status == "requires_action" {
			s.finishPayment(i)
		}
	})
}

func (s *Server) finishAuthentication(t testing.TB, i *intent) {
	t.Helper()
	require.Equal(t, "requires_action", i.status)
	s.finishPayment(i)
}

// finishPayment charges the card, or declines it.
func (s *Server) finishPayment(i *intent) {
	if i.card.decline != "" {
		s.declineIntent(i)
		return
	}
	s.succeedIntent(i)
}

// PayAfterAll is the bank paying although the payment was cancelled.
func (s *Server) PayAfterAll(t testing.TB, transactionID string) {
	t.Helper()
	s.changeIntent(t, transactionID, func(i *intent) { s.succeedIntent(i) })
}

// FailAuthentication is the customer failing to prove their identity.
func (s *Server) FailAuthentication(t testing.TB, transactionID string) {
	t.Helper()
	s.changeIntent(t, transactionID, func(i *intent) {
		i.status = requiresMethod
		i.lastError = object{"type": "invalid_request_error", "code": "payment_intent_authentication_failure", "message": "The provided PaymentMethod has failed authentication."}
		s.emitEvent("payment_intent.payment_failed", i.toObject())
	})
}

// Settle finishes a payment that is processing.
func (s *Server) Settle(t testing.TB, transactionID string) {
	t.Helper()
	s.changeIntent(t, transactionID, func(i *intent) {
		require.Equal(t, "processing", i.status)
		s.finishPayment(i)
	})
}

// SettleRefunds finishes the pending refunds.
func (s *Server) SettleRefunds(t testing.TB, transactionID, status string) {
	t.Helper()
	s.changeIntent(t, transactionID, func(i *intent) {
		for _, r := range s.refunds {
			if r.intent == i && r.status == "pending" {
				r.status = status
				s.emitEvent("charge.refund.updated", r.toObject())
			}
		}
	})
}

// SendRefundsBack is the customer's bank sending the money of the refunds back, days after they succeeded.
func (s *Server) SendRefundsBack(t testing.TB, transactionID string) {
	t.Helper()
	s.changeIntent(t, transactionID, func(i *intent) {
		for _, r := range s.refunds {
			if r.intent == i && r.status == "succeeded" {
				r.status = "failed"
				s.emitEvent("refund.failed", r.toObject())
			}
		}
	})
}

// RefundInDashboard is a refund made in Stripe's dashboard.
func (s *Server) RefundInDashboard(t testing.TB, transactionID string, units int64) {
	t.Helper()
	s.changeIntent(t, transactionID, func(i *intent) {
		require.LessOrEqual(t, units, i.amount-s.refundedUnits(i))
		s.makeRefund(i, units, map[string]string{})
	})
}

// Dispute is the customer's bank taking the money back until it has decided.
func (s *Server) Dispute(t testing.TB, transactionID string) {
	t.Helper()
	s.changeIntent(t, transactionID, func(i *intent) {
		d := &dispute{id: newID("dp"), intent: i, status: "needs_response"}
		s.disputes = append(s.disputes, d)
		s.emitEvent("charge.dispute.created", d.toObject())
	})
}

// CloseDispute is the bank's decision: "won" or "lost".
func (s *Server) CloseDispute(t testing.TB, transactionID, status string) {
	t.Helper()
	s.changeIntent(t, transactionID, func(i *intent) {
		for _, d := range s.disputes {
			if d.intent == i {
				d.status = status
				s.emitEvent("charge.dispute.closed", d.toObject())
			}
		}
	})
}

func (s *Server) changeIntent(t testing.TB, transactionID string, f func(*intent)) {
	t.Helper()
	s.Lock()
	defer s.Unlock()
	i := s.intents[transactionID]
	require.NotNil(t, i, transactionID)
	f(i)
}

// Payment is a PaymentIntent for tests.
type Payment struct {
	TransactionID string
	PaymentID     string
	Status        string
	Units         int64
	Refunded      int64 // without pending refunds
}

// Payments returns all PaymentIntents, oldest first.
func (s *Server) Payments() []Payment {
	s.Lock()
	defer s.Unlock()
	all := make([]Payment, len(s.order))
	for n, id := range s.order {
		i := s.intents[id]
		all[n] = Payment{TransactionID: id, PaymentID: i.metadata["payment_id"], Status: i.status, Units: i.amount}
		for _, r := range s.refunds {
			if r.intent == i && r.status == "succeeded" {
				all[n].Refunded += r.amount
			}
		}
	}
	return all
}

// Balance returns what was charged and not given back, in units.
func (s *Server) Balance() (units int64) {
	for _, p := range s.Payments() {
		if p.Status == "succeeded" {
			units += p.Units - p.Refunded
		}
	}
	return units
}

// ForgetKeys drops all idempotency keys, as Stripe does after 24 hours.
func (s *Server) ForgetKeys() {
	s.Lock()
	defer s.Unlock()
	clear(s.kept)
}
