package stripe

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/money"
)

func TestAmountsAreConvertedToStripesUnitsAndBack(t *testing.T) {
	for _, c := range []struct {
		currency string
		minor    int64
		units    int64 // 0: it cannot be charged
	}{
		{"EUR", 1050, 1050},
		{"JPY", 500, 500},
		{"KRW", 500, 500},
		{"HUF", 1045, 1045}, // whole only for payouts
		{"TWD", 80045, 80045},
		{"ISK", 5, 500},
		{"UGX", 5, 500},
		{"ISK", math.MaxInt64 / 10, 0},
		{"KWD", 5120, 5120},
		{"KWD", 5124, 0},
		{"BHD", 10, 10},
		{"TND", 15, 0},
		{"IQD", 1000, 0}, // Stripe does not have it
		{"CLF", 10000, 0},
		{"MGA", 50000, 500},
		{"MGA", 50020, 0},
	} {
		units, err := toUnits(money.Money{Minor: c.minor, Currency: c.currency})
		require.Equal(t, c.units, units, c)
		if c.units == 0 {
			require.Error(t, err, c)
			continue
		}
		require.NoError(t, err, c)
		require.Equal(t, c.minor, fromUnits(units, c.currency).Minor, c)
	}
}

func TestEachCurrencyIsOneThatPricesCanHave(t *testing.T) {
	for _, currency := range currencies {
		_, known := money.Exponent(currency)
		require.True(t, known, currency)
	}
	for currency := range smallest {
		require.Contains(t, currencies, currency)
	}
}
