package stripe_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/gateway"
	"ticketing/command/gateway/stripe"
	"ticketing/command/gateway/stripe/stripetest"
	"ticketing/internal/money"
)

func refundPayment(t *testing.T, g *stripe.Gateway, r gateway.Refund) gateway.RefundResult {
	t.Helper()
	result, err := g.Refund(t.Context(), r)
	require.NoError(t, err)
	return result
}

func TestAPendingRefundStaysPendingUntilTheBankHasDecided(t *testing.T) {
	g, double := newDouble(t)
	for _, status := range []string{"succeeded", "failed"} {
		p := chargePayment(t, g, "pm_card_pendingRefund")
		r := newRefund(p, 2500)
		for range 2 {
			require.Equal(t, gateway.RefundResult{Pending: true}, refundPayment(t, g, r))
		}
		double.SettleRefunds(t, p.TransactionID, status)
		result := refundPayment(t, g, r)
		require.False(t, result.Pending)
		require.Equal(t, status == "failed", result.Failed)
	}
	refused := refundPayment(t, g, newRefund(chargePayment(t, g, "pm_card_refundFail"), 2500))
	require.True(t, refused.Failed)
	require.NotEmpty(t, refused.Reason)
}

func TestALostRefundIsFoundAndNotMadeAgain(t *testing.T) {
	g, double := newDouble(t)
	r := newRefund(chargePayment(t, g, "pm_card_visa"), 1000)
	double.Inject(stripetest.Fault{On: "POST /v1/refunds", LoseAnswer: true})
	_, err := g.Refund(t.Context(), r)
	require.Error(t, err)
	double.ForgetKeys() // it is the next day
	require.Equal(t, gateway.RefundResult{}, refundPayment(t, g, r))
	require.EqualValues(t, 1500, double.Balance())
}

func TestARefundThatMayBePossibleLaterIsAnError(t *testing.T) {
	g, double := newDouble(t)
	r := newRefund(chargePayment(t, g, "pm_card_visa"), 2500)
	double.Inject(stripetest.Fault{On: "POST /v1/refunds", Status: http.StatusBadRequest, Code: "balance_insufficient", Kept: true}) // for a day
	_, err := g.Refund(t.Context(), r)
	require.Error(t, err)
	require.Equal(t, gateway.RefundResult{}, refundPayment(t, g, r))
}

func TestRefundsInTheDashboardAndDisputesAreReversals(t *testing.T) {
	g, double := newDouble(t)
	p := chargePayment(t, g, "pm_card_visa")
	double.RefundInDashboard(t, p.TransactionID, 700)
	double.Dispute(t, p.TransactionID)
	got, err := g.Reversals(t.Context(), p)
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.NotEmpty(t, got[0].ID)
	require.NotEmpty(t, got[1].ID)
	require.Equal(t, []gateway.Reversal{
		{ID: got[0].ID, Amount: money.Money{Minor: 700, Currency: "EUR"}, Status: gateway.ReversalDone},
		{ID: got[1].ID, Dispute: true, Amount: p.Amount, Status: gateway.ReversalPending, Reason: "product_not_received"},
	}, got)

	require.True(t, refundPayment(t, g, newRefund(p, 100)).Failed, "the payment is disputed")
	for status, want := range map[string]gateway.ReversalStatus{"won": gateway.ReversalFailed, "lost": gateway.ReversalDone} {
		double.CloseDispute(t, p.TransactionID, status)
		got, err := g.Reversals(t.Context(), p)
		require.NoError(t, err)
		require.Equal(t, want, got[1].Status, status)
	}
}

// What Stripe refuses for what it says is an answer; only what it refuses for who asks or when counts as a failure of Stripe.
func TestOnlyRefusalsOfTheSenderOrTheMomentAreFailures(t *testing.T) {
	for status, refused := range map[int]bool{
		http.StatusBadRequest: true, http.StatusPaymentRequired: true, http.StatusUnprocessableEntity: true,
		http.StatusUnauthorized: false, http.StatusForbidden: false, http.StatusTooManyRequests: false, http.StatusBadGateway: false,
	} {
		g, double := newDouble(t)
		r := newRefund(chargePayment(t, g, "pm_card_visa"), 2500)
		double.Inject(stripetest.Fault{On: "POST /v1/refunds", Status: status, Code: "balance_insufficient"})
		_, err := g.Refund(t.Context(), r)
		require.Error(t, err)
		require.Equal(t, refused, errors.Is(err, gateway.ErrRefused), "%d: %v", status, err)
	}
}
