package money

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExponentsAreThoseOfISO4217(t *testing.T) {
	for code, want := range map[string]int{"JPY": 0, "KRW": 0, "EUR": 2, "USD": 2, "BHD": 3, "TND": 3, "CLF": 4} {
		got, ok := Exponent(code)
		require.True(t, ok, code)
		require.Equal(t, want, got, code)
	}
}

func TestUnknownCurrenciesAreRefused(t *testing.T) {
	for _, code := range []string{"", "eur", "EU", "EURO", "€", "XYZ", "DEM", " EUR", "EUR\x00", strings.Repeat("E", 1<<20)} {
		_, ok := Exponent(code)
		require.False(t, ok, "%.10q", code)
		_, err := Parse("1", code)
		require.Error(t, err, "%.10q", code)
		require.Less(t, len(err.Error()), 200, "the message repeats a part of the input only")
	}
}

func TestParseAndPrint(t *testing.T) {
	for _, c := range []struct {
		decimal, code string
		minor         int64
		printed       string
	}{
		{"150", "JPY", 150, "150"},
		{"0", "JPY", 0, "0"},
		{"150.00", "EUR", 150_00, "150.00"},
		{"150", "EUR", 150_00, "150.00"},
		{"150.5", "EUR", 150_50, "150.50"},
		{"0.01", "EUR", 1, "0.01"},
		{"0.1", "EUR", 10, "0.10"},
		{"0", "EUR", 0, "0.00"},
		{"007", "EUR", 7_00, "7.00"},
		{"1.5", "BHD", 1_500, "1.500"},
		{"0.001", "BHD", 1, "0.001"},
		{"1.2345", "CLF", 12345, "1.2345"},
		{"0.0001", "CLF", 1, "0.0001"},
		{"92233720368547758.07", "EUR", math.MaxInt64, "92233720368547758.07"},
		{"9223372036854775807", "JPY", math.MaxInt64, "9223372036854775807"},
	} {
		t.Run(c.decimal+" "+c.code, func(t *testing.T) {
			m, err := Parse(c.decimal, c.code)
			require.NoError(t, err)
			require.Equal(t, Money{Minor: c.minor, Currency: c.code}, m)
			require.Equal(t, c.printed, m.Decimal())
			require.Equal(t, c.printed+" "+c.code, m.String())
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for code, decimals := range map[string][]string{
		"EUR": {
			"", ".", "1.", ".5", "1.234", "1.000", "-1", "+1", "-0", " 1", "1 ", "1 000", "1,50", "1.5.0", "1e3", "0x10", "NaN", "Inf", "١", "1_000", "１",
			"92233720368547758.08", "9223372036854775807", "99999999999999999999", strings.Repeat("9", 1<<20), "1." + strings.Repeat("0", 1<<20),
		},
		"JPY": {"1.5", "1.0", "1.", "9223372036854775808"},
		"BHD": {"1.2345", "9223372036854775.808"},
		"CLF": {"1.23456", "922337203685477.5808"},
	} {
		for _, decimal := range decimals {
			m, err := Parse(decimal, code)
			require.Error(t, err, "%.30q %s is %d", decimal, code, m.Minor)
			require.Less(t, len(err.Error()), 200, "the message repeats a part of the input only")
		}
	}
}

func TestNegativeAmountsArePrinted(t *testing.T) {
	require.Equal(t, "-0.01", Money{Minor: -1, Currency: "EUR"}.Decimal())
	require.Equal(t, "-1.50", Money{Minor: -150, Currency: "EUR"}.Decimal())
	require.Equal(t, "-150", Money{Minor: -150, Currency: "JPY"}.Decimal())
	require.Equal(t, "-92233720368547758.08", Money{Minor: math.MinInt64, Currency: "EUR"}.Decimal())
	require.Equal(t, "-9223372036854775808", Money{Minor: math.MinInt64, Currency: "JPY"}.Decimal())
}

func TestAddReturnsTheSum(t *testing.T) {
	sum, err := Money{Minor: 1, Currency: "EUR"}.Add(Money{Minor: 2, Currency: "EUR"})
	require.NoError(t, err)
	require.Equal(t, Money{Minor: 3, Currency: "EUR"}, sum)
}

func TestAddNeverOverflows(t *testing.T) {
	for _, c := range []struct {
		a, b int64
		ok   bool
	}{
		{math.MaxInt64, 0, true}, {math.MaxInt64 - 1, 1, true}, {math.MaxInt64, -1, true}, {math.MaxInt64, math.MinInt64, true},
		{math.MaxInt64, 1, false}, {1, math.MaxInt64, false}, {math.MaxInt64, math.MaxInt64, false},
		{math.MinInt64, 0, true}, {math.MinInt64, 1, true}, {math.MinInt64, -1, false}, {-1, math.MinInt64, false},
	} {
		sum, err := Money{Minor: c.a, Currency: "EUR"}.Add(Money{Minor: c.b, Currency: "EUR"})
		if !c.ok {
			require.ErrorIs(t, err, ErrOverflow, "%d + %d", c.a, c.b)
			continue
		}
		require.NoError(t, err, "%d + %d", c.a, c.b)
		require.Equal(t, c.a+c.b, sum.Minor)
	}
}

func TestCurrenciesAreNeverMixed(t *testing.T) {
	require.Panics(t, func() { _, _ = Money{Minor: 1, Currency: "EUR"}.Add(Money{Minor: 1, Currency: "USD"}) })
}
