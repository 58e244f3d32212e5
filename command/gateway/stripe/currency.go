package stripe

import (
	"fmt"
	"slices"
	"strings"

	"ticketing/command/gateway/remote"
	"ticketing/internal/money"
)

// currencies are those that Stripe takes from cards, besides tensCurrencies: https://docs.stripe.com/currencies#presentment-currencies.
var currencies = strings.Fields("AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CVE CZK DJF DKK " +
	"DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR ISK JMD JPY KES KGS KHR KMF KRW KYD KZT LAK LBP " +
	"LKR LRD LSL MAD MDL MGA MKD MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF " +
	"SAR SBD SCR SEK SGD SHP SLE SOS SRD STN SVC SZL THB TJS TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VND VUV WST XAF XCD XOF XPF YER ZAR ZMW")

// smallest has Stripe's smallest charges in minor units (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts). In other
// currencies they depend on the currency in which the account is paid out.
var smallest = map[string]int64{
	"AED": 2_00, "AUD": 50, "BGN": 1_00, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 15_00, "DKK": 2_50, "EUR": 50, "GBP": 30, "HKD": 4_00,
	"HUF": 175_00, "INR": 50, "JPY": 50, "MXN": 10_00, "MYR": 2_00, "NOK": 3_00, "NZD": 50, "PLN": 2_00, "RON": 2_00, "SEK": 3_00, "SGD": 50,
	"THB": 10_00, "USD": 50,
}

// CheckAmount implements gateway.Gateway.
func (g *Gateway) CheckAmount(m money.Money) error {
	if !slices.Contains(currencies, m.Currency) && !slices.Contains(tensCurrencies, m.Currency) {
		return remote.AmountError(fmt.Sprintf("Amounts in %s cannot be paid by card.", m.Currency))
	}
	if least := smallest[m.Currency]; m.Minor < least {
		return remote.AmountError(fmt.Sprintf("%s cannot be paid by card: the smallest amount is %s.", m, money.Money{Minor: least, Currency: m.Currency}))
	}
	_, err := toUnits(m)
	return err
}
