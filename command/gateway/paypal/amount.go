package paypal

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"ticketing/command/gateway/remote"
	"ticketing/internal/money"
)

// currencies are the ones that PayPal takes: https://developer.paypal.com/api/rest/reference/currency-codes/.
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

// toAmount returns the amount as PayPal writes it; the error is a remote.AmountError.
func toAmount(m money.Money) (amount, error) {
	value := m.Decimal()
	switch {
	case !slices.Contains(currencies, m.Currency):
		return amount{}, remote.AmountError(fmt.Sprintf("Amounts in %s cannot be paid with PayPal.", m.Currency))
	case slices.Contains(wholeCurrencies, m.Currency):
		whole, ok := strings.CutSuffix(value, ".00")
		if !ok {
			return amount{}, remote.AmountError(fmt.Sprintf("%s cannot be paid with PayPal: only whole amounts can.", m))
		}
		value = whole
	}
	return amount{CurrencyCode: m.Currency, Value: value}, nil
}

// CheckAmount implements gateway.Gateway. PayPal has no smallest amount.
func (g *Gateway) CheckAmount(m money.Money) error {
	_, err := toAmount(m)
	return err
}

// toMoney parses an amount.
func (a amount) toMoney() (money.Money, error) {
	m, err := money.Parse(a.Value, a.CurrencyCode)
	if err != nil {
		return m, fmt.Errorf("read an amount of PayPal: %w", err)
	}
	return m, nil
}

// unpayableReason returns why an amount can never be paid, as the customer reads it; "" for any other error.
func unpayableReason(err error) string {
	if wrong, ok := errors.AsType[remote.AmountError](err); ok {
		return string(wrong)
	}
	if refused, ok := errors.AsType[*refusal](err); ok && refused.hasIssue("CURRENCY_NOT_SUPPORTED", "MAX_VALUE_EXCEEDED") {
		return "This amount cannot be paid with PayPal."
	}
	return ""
}
