package paypal

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ticketing/internal/money"
)

// currencies are those that PayPal takes: https://developer.paypal.com/api/rest/reference/currency-codes/.
var currencies = []string{
	"AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "JPY", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "SEK",
	"SGD", "THB", "TWD", "USD",
}

// wholeCurrencies have minor units in ISO 4217 and none at PayPal.
var wholeCurrencies = []string{"HUF", "TWD"}

// amount is money as PayPal writes it.
type amount struct {
	CurrencyCode string `json:"currency_code"`
	Value        string `json:"value"`
}

// amountError says why an amount cannot be paid. It is for the customer.
type amountError string

func (e amountError) Error() string { return string(e) }

func toAmount(m money.Money) (amount, error) {
	value := m.Decimal()
	switch {
	case !slices.Contains(currencies, m.Currency):
		return amount{}, amountError(fmt.Sprintf("Amounts in %s cannot be paid with PayPal.", m.Currency))
	case slices.Contains(wholeCurrencies, m.Currency):
		whole, ok := strings.CutSuffix(value, ".00")
		if !ok {
			return amount{}, amountError(fmt.Sprintf("%s cannot be paid with PayPal: only whole amounts can.", m))
		}
		value = whole
	}
	return amount{CurrencyCode: m.Currency, Value: value}, nil
}

// toMoney reads an amount.
func (a amount) toMoney() (money.Money, error) {
	m, err := money.Parse(a.Value, a.CurrencyCode)
	if err != nil {
		return m, fmt.Errorf("paypal: read an amount: %w", err)
	}
	return m, nil
}

// unpayableReason answers why an amount can never be paid, for the customer; nothing when that is not what is wrong.
func unpayableReason(err error) string {
	if wrong, ok := errors.AsType[amountError](err); ok {
		return string(wrong)
	}
	if refused, ok := errors.AsType[*refusal](err); ok && refused.hasIssue("CURRENCY_NOT_SUPPORTED", "MAX_VALUE_EXCEEDED") {
		return "This amount cannot be paid with PayPal."
	}
	return ""
}
