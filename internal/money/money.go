// Package money counts in minor units of ISO 4217 currencies: int64, never a float.
package money

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/bojanz/currency"

	"ticketing/internal/text"
)

// Money is an amount in minor units (cents for EUR, yen for JPY, fils for BHD) of one currency.
type Money struct {
	Minor    int64  `json:"minor"`
	Currency string `json:"currency"`
}

// ErrOverflow means that a sum is outside the range of int64.
var ErrOverflow = errors.New("amount is out of range")

// longestQuote is how many bytes of a malformed amount or currency an error repeats.
const longestQuote = 24

// Exponent returns the number of decimal places of a currency (ISO 4217: JPY 0, EUR 2, BHD 3), and false for a code that is not a current
// ISO 4217 currency.
func Exponent(code string) (int, bool) {
	digits, ok := currency.GetDigits(code)
	return int(digits), ok
}

// Parse parses a decimal such as "150.00" of a currency. Missing decimal places are zeros; more than the currency has, signs, exponents
// and blanks are errors.
func Parse(decimal, code string) (Money, error) {
	exp, ok := Exponent(code)
	if !ok {
		return Money{}, fmt.Errorf("%q is not an ISO 4217 currency code", text.Shorten(code, longestQuote))
	}
	whole, frac, hasPoint := strings.Cut(decimal, ".")
	if !onlyDigits(whole) || (hasPoint && !onlyDigits(frac)) {
		return Money{}, fmt.Errorf("%q is not a decimal number such as %q", text.Shorten(decimal, longestQuote), Money{Minor: 15000, Currency: code}.Decimal())
	}
	if len(frac) > exp {
		return Money{}, fmt.Errorf("%q has more than the %d decimal places of %s", text.Shorten(decimal, longestQuote), exp, code)
	}
	minor, err := strconv.ParseInt(whole+frac+strings.Repeat("0", exp-len(frac)), 10, 64)
	if err != nil {
		return Money{}, fmt.Errorf("%q is too large", text.Shorten(decimal, longestQuote))
	}
	return Money{Minor: minor, Currency: code}, nil
}

// Decimal returns the amount with the decimal places of its currency: "150.00", "1500", "1.500".
func (m Money) Decimal() string {
	exp, _ := Exponent(m.Currency)
	sign, abs := "", uint64(m.Minor) //nolint:gosec // two's complement: negated below
	if m.Minor < 0 {
		sign, abs = "-", -abs
	}
	s := strconv.FormatUint(abs, 10)
	if exp == 0 {
		return sign + s
	}
	if len(s) <= exp {
		s = strings.Repeat("0", exp-len(s)+1) + s
	}
	return sign + s[:len(s)-exp] + "." + s[len(s)-exp:]
}

// String returns the amount with its currency: "150.00 EUR".
func (m Money) String() string { return m.Decimal() + " " + m.Currency }

// Add returns m + other. It panics if their currencies differ.
func (m Money) Add(other Money) (Money, error) {
	if m.Currency != other.Currency {
		panic(fmt.Sprintf("money: %s + %s", m.Currency, other.Currency))
	}
	if (other.Minor > 0 && m.Minor > math.MaxInt64-other.Minor) || (other.Minor < 0 && m.Minor < math.MinInt64-other.Minor) {
		return Money{}, ErrOverflow
	}
	return Money{Minor: m.Minor + other.Minor, Currency: m.Currency}, nil
}

func onlyDigits(s string) bool {
	const longest = 19 // int64 has at most 19 digits; a client may send megabytes
	if s == "" || len(s) > longest {
		return false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
