package stripe

import (
	"errors"
	"fmt"
	"slices"

	"github.com/stripe/stripe-go/v79"

	"ticketing/command/gateway/remote"
	"ticketing/internal/money"
)

// Stripe counts in the minor units of ISO 4217, with these exceptions (https://docs.stripe.com/currencies#special-cases and #zero-decimal; HUF and
// TWD are exceptions for payouts only).
var (
	// wholeCurrencies have minor units in ISO 4217 and none at Stripe.
	wholeCurrencies = []string{"MGA"}
	// hundredthsCurrencies have no minor units any more, and still do at Stripe.
	hundredthsCurrencies = []string{"ISK", "UGX"}
	// tensCurrencies have three decimal places, of which the last must be 0.
	tensCurrencies = []string{"BHD", "JOD", "KWD", "OMR", "TND"}
)

const errTooLarge = remote.AmountError("This amount is too large to be paid by card.")

// toUnits returns the amount in Stripe's units; the error is a remote.AmountError.
func toUnits(m money.Money) (int64, error) {
	exponent, _ := money.Exponent(m.Currency)
	switch {
	case slices.Contains(hundredthsCurrencies, m.Currency):
		if m.Minor > (1<<63-1)/100 {
			return 0, errTooLarge
		}
		return m.Minor * 100, nil
	case slices.Contains(wholeCurrencies, m.Currency):
		if m.Minor%100 != 0 {
			return 0, remote.AmountError(fmt.Sprintf("%s cannot be paid by card: only whole amounts can.", m))
		}
		return m.Minor / 100, nil
	case exponent > 2 && !slices.Contains(tensCurrencies, m.Currency):
		return 0, remote.AmountError(fmt.Sprintf("Amounts in %s cannot be paid by card.", m.Currency))
	case exponent > 2 && m.Minor%10 != 0:
		return 0, remote.AmountError(fmt.Sprintf("%s cannot be paid by card: its last digit must be 0.", m))
	}
	return m.Minor, nil
}

// fromUnits returns an amount that is in Stripe's units.
func fromUnits(units int64, currency string) money.Money {
	switch {
	case slices.Contains(hundredthsCurrencies, currency):
		units /= 100
	case slices.Contains(wholeCurrencies, currency):
		units *= 100
	}
	return money.Money{Minor: units, Currency: currency}
}

// unpayableReason returns why an amount can never be charged, as the customer reads it; "" for any other error.
func unpayableReason(err error) string {
	if wrong, ok := errors.AsType[remote.AmountError](err); ok {
		return string(wrong)
	}
	if refused := refusalOf(err); refused != nil {
		if refused.stripe.Param == "currency" {
			return "This currency cannot be paid by card."
		}
		switch refused.stripe.Code { //nolint:exhaustive // Stripe has two hundred
		case stripe.ErrorCodeAmountTooSmall:
			return "This amount is too small to be paid by card."
		case stripe.ErrorCodeAmountTooLarge:
			return string(errTooLarge)
		}
	}
	return ""
}
