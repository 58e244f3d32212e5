package stripe

import (
	"errors"
	"fmt"
	"slices"

	"github.com/stripe/stripe-go/v79"

	"ticketing/internal/money"
)

// Stripe counts in a currency's minor units as ISO 4217 does, with these exceptions (https://docs.stripe.com/currencies#special-cases).
var (
	// wholeCurrencies have no minor units at Stripe, and do in ISO 4217.
	wholeCurrencies = []string{"MGA"}
	// hundredthsCurrencies have lost their minor units; Stripe goes on counting them.
	hundredthsCurrencies = []string{"ISK", "UGX"}
	// tensCurrencies have three decimal places, of which the last must be 0.
	tensCurrencies = []string{"BHD", "JOD", "KWD", "OMR", "TND"}
)

// amountError says why an amount cannot be charged. It is for the customer.
type amountError string

func (e amountError) Error() string { return string(e) }

// toUnits answers the amount as Stripe counts it.
func toUnits(m money.Money) (int64, error) {
	exponent, _ := money.Exponent(m.Currency)
	switch {
	case slices.Contains(hundredthsCurrencies, m.Currency):
		if m.Minor > (1<<63-1)/100 {
			return 0, amountError("This amount is too large to be paid by card.")
		}
		return m.Minor * 100, nil
	case slices.Contains(wholeCurrencies, m.Currency):
		if m.Minor%100 != 0 {
			return 0, amountError(fmt.Sprintf("%s cannot be paid by card: only whole amounts can.", m))
		}
		return m.Minor / 100, nil
	case exponent > 2 && !slices.Contains(tensCurrencies, m.Currency):
		return 0, amountError(fmt.Sprintf("Amounts in %s cannot be paid by card.", m.Currency))
	case exponent > 2 && m.Minor%10 != 0:
		return 0, amountError(fmt.Sprintf("%s cannot be paid by card: its last digit must be 0.", m))
	}
	return m.Minor, nil
}

// fromUnits answers what Stripe counted as an amount.
func fromUnits(units int64, currency string) money.Money {
	switch {
	case slices.Contains(hundredthsCurrencies, currency):
		units /= 100
	case slices.Contains(wholeCurrencies, currency):
		units *= 100
	}
	return money.Money{Minor: units, Currency: currency}
}

// unpayableReason answers why an amount can never be charged, for the customer; nothing when that is not what is wrong.
func unpayableReason(err error) string {
	if wrong, ok := errors.AsType[amountError](err); ok {
		return string(wrong)
	}
	if refused := refusalOf(err); refused != nil {
		switch refused.stripe.Code { //nolint:exhaustive // Stripe has two hundred
		case stripe.ErrorCodeAmountTooSmall:
			return "This amount is too small to be paid by card."
		case stripe.ErrorCodeAmountTooLarge:
			return "This amount is too large to be paid by card."
		}
	}
	return ""
}
