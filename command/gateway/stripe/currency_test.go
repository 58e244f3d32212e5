package stripe_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/gateway/stripe"
	"ticketing/internal/money"
)

func TestAmountsThatStripeCannotCharge(t *testing.T) {
	g := stripe.New(stripe.Config{})
	for _, m := range []money.Money{{Minor: 50, Currency: "USD"}, {Minor: 30, Currency: "GBP"}, {Minor: 1230, Currency: "KWD"}, {Minor: 50, Currency: "JPY"}, {Minor: 1, Currency: "UAH"}, {Minor: 50, Currency: "ZAR"},
		{Minor: 999_999_999_999, Currency: "EUR"}, {Minor: 9_999_999_999, Currency: "ISK"}} {
		require.NoError(t, g.CheckAmount(m), m)
	}
	for _, m := range []money.Money{{Minor: 30, Currency: "USD"}, {Minor: 1234, Currency: "KWD"}, {Minor: 10_000, Currency: "CLF"}, {Minor: 49, Currency: "JPY"}, {Minor: 174_99, Currency: "HUF"}, {Minor: 49, Currency: "KRW"}} {
		require.ErrorContains(t, g.CheckAmount(m), m.Currency, m)
	}
	for _, m := range []money.Money{{Minor: 1_000_000_000_000, Currency: "EUR"}, {Minor: 10_000_000_000, Currency: "ISK"}} {
		require.ErrorContains(t, g.CheckAmount(m), "too large", m)
	}
}
