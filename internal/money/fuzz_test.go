package money

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
)

// A parsed amount prints as the same number.
func FuzzParse(f *testing.F) {
	for _, code := range []string{"JPY", "EUR", "BHD", "CLF", "XYZ", ""} {
		for _, decimal := range []string{"150.00", "0", "1.5", "007.5000", "-1", "1e3", ".5", "1.", "9223372036854775807", "92233720368547758.07", "１"} {
			f.Add(decimal, code)
		}
	}
	f.Fuzz(func(t *testing.T, decimal, code string) {
		m, err := Parse(decimal, code)
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(decimal)
		got, printed := new(big.Rat).SetString(m.Decimal())
		require.True(t, ok && printed && want.Cmp(got) == 0, "%q %s became %s", decimal, code, m)
		require.GreaterOrEqual(t, m.Minor, int64(0))
	})
}

func FuzzDecimal(f *testing.F) {
	for _, minor := range []int64{0, 1, 99, 100, 12345, math.MaxInt64} {
		for exponent := range uint8(5) {
			f.Add(minor, exponent)
		}
	}
	codes := []string{"JPY", "EUR", "BHD", "CLF", "USD"}
	f.Fuzz(func(t *testing.T, minor int64, which uint8) {
		m := Money{Minor: minor, Currency: codes[int(which)%len(codes)]}
		again, err := Parse(m.Decimal(), m.Currency)
		if minor < 0 {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		require.Equal(t, m, again)
	})
}
