package graph

import (
	"ticketing/graph/model"
	"ticketing/internal/card"
	"ticketing/internal/money"
)

// readMoney reads an amount in its currency.
func (c *checker) readMoney(value *model.MoneyInput, path ...string) money.Money {
	if _, known := money.Exponent(value.CurrencyCode); !known {
		c.addError(append(path, "currencyCode"), "currencyCode is not a current ISO 4217 code")
		return money.Money{}
	}
	parsed, err := money.Parse(value.Amount, value.CurrencyCode)
	path = append(path, "amount")
	switch {
	case card.IsIn(value.Amount):
		c.refuseCard(path)
	case err != nil:
		c.addError(path, "%s", err)
	}
	return parsed
}
