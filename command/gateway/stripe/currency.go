package stripe

import (
	"fmt"
	"slices"
	"strings"

	"ticketing/command/gateway/remote"
	"ticketing/internal/money"
)

// currencies are those that Stripe takes from cards, besides tensCurrencies: https://docs.stripe.com/currencies#presentment-currencies.
var currencies = strings.Fields("AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CVE CZK DJF DKK " +
	"DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR ISK JMD JPY KES KGS KHR KMF KRW KYD KZT LAK LBP " +
	"LKR LRD LSL MAD MDL MGA MKD MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF " +
	"SAR SBD SCR SEK SGD SHP SLE SOS SRD STN SVC SZL THB TJS TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW")

// smallest has Stripe's smallest charges in minor units, as of July 2026 (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts). They
// hold for an account that is paid out in the same currency. Otherwise, and in other currencies, the amount must be worth the smallest
// charge of the currency in which the account is paid out, which is not known here.
var smallest = map[string]int64{
	"AED": 2_00, "ARS": 50, "AUD": 50, "BRL": 50, "CAD": 50, "CHF": 50, "COP": 50, "CZK": 15_00, "DKK": 2_50, "EUR": 50, "GBP": 30, "HKD": 4_00,
	"HUF": 175_00, "IDR": 50, "ILS": 50, "INR": 50, "JPY": 50, "KRW": 50, "MXN": 10_00, "MYR": 2_00, "NOK": 3_00, "NZD": 50, "PHP": 50,
	"PLN": 2_00, "RON": 2_00, "RUB": 50, "SEK": 3_00, "SGD": 50, "THB": 10_00, "USD": 50, "ZAR": 50,
}

// mostUnits is what one card payment can be at most, in Stripe's units: 12 digits (same page). Networks allow less, which Stripe tells when it
// is charged.
const mostUnits = 999_999_999_999

// CheckAmount implements gateway.Gateway.
func (g *Gateway) CheckAmount(m money.Money) error {
	if !slices.Contains(currencies, m.Currency) && !slices.Contains(tensCurrencies, m.Currency) {
		return remote.AmountError(fmt.Sprintf("Amounts in %s cannot be paid by card.", m.Currency))
	}
	if least := smallest[m.Currency]; m.Minor < least {
		return remote.AmountError(fmt.Sprintf("%s cannot be paid by card: the smallest amount is %s.", m, money.Money{Minor: least, Currency: m.Currency}))
	}
	units, err := toUnits(m)
	if err == nil && units > mostUnits {
		return errTooLarge
	}
	return err
}
