package sandbox

import "strings"

// rule is what happens to a payment with a test token.
type rule struct {
	decline     string // why the payment is declined; empty: it is charged
	action      bool   // the customer has to authenticate first
	unavailable bool   // it can't even be created
	lost        bool   // it is charged, and the response is lost
	refund      refundRule
}

// refundRule is what happens to the refunds of a payment.
type refundRule int

const (
	refundSucceeds    refundRule = iota
	refundPending                // pending after the first call, given after the second
	refundFails                  // refused forever
	refundUnavailable            // the first call for each refund fails as unavailable
)

// ruleOf returns the rule of one of Stripe's test tokens, as payment method ("pm_card_visa") or token ("tok_visa"), or of the sandbox's own.
func ruleOf(token string) (rule, bool) {
	if r, ok := ownTokens[token]; ok {
		return r, true
	}
	name, ok := strings.CutPrefix(token, "pm_card_")
	if !ok {
		name, ok = strings.CutPrefix(token, "tok_")
	}
	if !ok {
		return rule{}, false
	}
	if rest, ok := strings.CutPrefix(name, "visa_"); ok && strings.HasPrefix(rest, "chargeDeclined") {
		name = rest
	}
	r, ok := stripeCards[name]
	return r, ok
}

const (
	declined          = "Your card was declined."
	insufficientFunds = "Your card has insufficient funds."
)

// stripeCards are Stripe's test cards by name: https://docs.stripe.com/testing.
var stripeCards = map[string]rule{
	"visa":               {},
	"visa_debit":         {},
	"mastercard":         {},
	"mastercard_debit":   {},
	"mastercard_prepaid": {},
	"amex":               {},
	"discover":           {},
	"diners":             {},
	"jcb":                {},
	"unionpay":           {},

	"chargeDeclined":                      {decline: declined},
	"chargeDeclinedInsufficientFunds":     {decline: insufficientFunds},
	"chargeDeclinedLostCard":              {decline: declined}, // the reason hides that it was reported lost or stolen
	"chargeDeclinedStolenCard":            {decline: declined},
	"chargeDeclinedFraudulent":            {decline: declined},
	"chargeDeclinedExpiredCard":           {decline: "Your card has expired."},
	"chargeDeclinedIncorrectCvc":          {decline: "Your card's security code is incorrect."},
	"chargeDeclinedProcessingError":       {decline: "An error occurred while processing your card. Try again in a little bit."},
	"chargeDeclinedVelocityLimitExceeded": {decline: "Your card was declined for making repeated attempts too frequently."},

	"authenticationRequired":                                {action: true},
	"authenticationRequiredOnSetup":                         {action: true},
	"threeDSecureRequired":                                  {action: true},
	"threeDSecure2Required":                                 {action: true},
	"authenticationRequiredChargeDeclinedInsufficientFunds": {action: true, decline: insufficientFunds},
	"threeDSecureRequiredChargeDeclined":                    {action: true, decline: declined},

	"pendingRefund": {refund: refundPending},
	"refundFail":    {refund: refundFails},
}

// ownTokens are the sandbox's own, for cases without a test card of Stripe's.
var ownTokens = map[string]rule{
	"pm_sandbox_unavailable":       {unavailable: true},
	"pm_sandbox_timeout":           {lost: true},
	"pm_sandbox_refundUnavailable": {refund: refundUnavailable},
}
