package sandbox

import "strings"

// rule is what happens to a payment with a certain test token.
type rule struct {
	decline     string     // why the charge is declined; empty: it is not
	action      bool       // the customer has to authenticate first
	unavailable bool       // it can't even be created
	lost        bool       // it is charged, and the answer is lost on its way
	refund      refundRule // what becomes of its refunds
}

// refundRule is what becomes of the refunds of a payment.
type refundRule int

const (
	refundSucceeds    refundRule = iota
	refundPending                // it is pending when asked first, and done when asked again
	refundFails                  // refused for good
	refundUnavailable            // the first call for each refund fails as unavailable
)

// ruleOf knows Stripe's test tokens, as payment methods ("pm_card_visa") and as tokens ("tok_visa"), and the sandbox's own.
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
	"chargeDeclinedLostCard":              {decline: declined}, // the customer is not told that it was reported lost or stolen
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

// ownTokens are the sandbox's tokens for what Stripe has no test card for.
var ownTokens = map[string]rule{
	"pm_sandbox_unavailable":       {unavailable: true},
	"pm_sandbox_timeout":           {lost: true},
	"pm_sandbox_refundUnavailable": {refund: refundUnavailable},
}
