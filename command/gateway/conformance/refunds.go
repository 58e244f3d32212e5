package conformance

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/gateway"
	"ticketing/command/payment"
	"ticketing/internal/id"
	"ticketing/internal/money"
)

func testRefund(t *testing.T, s Setup) { //nolint:thelper // a test: its failures belong to its own lines
	g := s.New(t)
	t.Run("in full, and a second call gives nothing more", func(t *testing.T) {
		p := chargePayment(t, s, g, 2500)
		r := newRefund(p, 2500)
		for range 2 {
			requireRefunded(t, s.New(t), r)
		}
		requireRefused(t, g, newRefund(p, 1))
		requireLookup(t, g, p, payment.OutcomeSucceeded)
	})
	t.Run("in parts, never more than the payment", func(t *testing.T) {
		p := chargePayment(t, s, g, 2500)
		first := newRefund(p, 1000)
		requireRefunded(t, g, first)
		requireRefused(t, g, newRefund(p, 1501))
		requireRefunded(t, g, newRefund(p, 1500))
		requireRefused(t, g, newRefund(p, 1))
		requireRefunded(t, g, first)
	})
	t.Run("are among the reversals", func(t *testing.T) {
		p := chargePayment(t, s, g, 2500)
		want := map[string]int64{}
		for _, minor := range []int64{1000, 700} {
			r := newRefund(p, minor)
			requireRefunded(t, g, r)
			want[r.ID] = minor
		}
		reversals, err := s.New(t).Reversals(callContext(t), p)
		require.NoError(t, err)
		require.Len(t, reversals, len(want))
		for _, r := range reversals {
			require.NotEmpty(t, r.ID)
			require.Equal(t, gateway.Reversal{
				ID: r.ID, RefundID: r.RefundID, Amount: money.Money{Minor: want[r.RefundID], Currency: "EUR"}, Status: gateway.ReversalDone,
			}, r)
		}
	})
	t.Run("another amount under the same id is refused", func(t *testing.T) {
		r := newRefund(chargePayment(t, s, g, 2500), 1000)
		requireRefunded(t, g, r)
		r.Amount.Minor++
		_, err := g.Refund(callContext(t), r)
		require.Error(t, err)
	})
	t.Run("of a payment that was not charged", func(t *testing.T) {
		requireRefused(t, g, newRefund(createPayment(t, g, 2500, s.Tokens.Charged[0]), 2500))
	})
	t.Run("of an unknown payment", func(t *testing.T) {
		r := gateway.Refund{ID: id.New(id.Refund), TransactionID: "none", Amount: money.Money{Minor: 1, Currency: "EUR"}}
		if result, err := g.Refund(callContext(t), r); err == nil {
			require.True(t, result.Failed)
		}
	})
}

func newRefund(p gateway.Payment, minor int64) gateway.Refund {
	return gateway.Refund{
		ID: id.New(id.Refund), TransactionID: p.TransactionID, Amount: money.Money{Minor: minor, Currency: p.Amount.Currency},
	}
}

func requireRefunded(t *testing.T, g gateway.Gateway, r gateway.Refund) {
	t.Helper()
	result, err := g.Refund(callContext(t), r)
	require.NoError(t, err, r.Amount)
	require.Equal(t, gateway.RefundResult{}, result, r.Amount)
}

func requireRefused(t *testing.T, g gateway.Gateway, r gateway.Refund) {
	t.Helper()
	result, err := g.Refund(callContext(t), r)
	require.NoError(t, err, r.Amount)
	require.True(t, result.Failed, r.Amount)
	require.NotEmpty(t, result.Reason, r.Amount)
}
