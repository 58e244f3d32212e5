package stripetest

import "strings"

// cardRule is what happens to payments with a test card.
type cardRule struct {
	decline    string // the decline code
	action     bool   // the customer has to authenticate first
	processing bool   // until Settle
	refund     string // the status of its refunds; empty: succeeded
}

// cards are Stripe's test cards by name (https://docs.stripe.com/testing), and the double's own: "processing".
var cards = map[string]cardRule{
	"visa": {}, "visa_debit": {}, "mastercard": {}, "amex": {}, "discover": {}, "jcb": {},

	"chargeDeclined":                           {decline: "generic_decline"},
	"visa_chargeDeclined":                      {decline: "generic_decline"},
	"visa_chargeDeclinedInsufficientFunds":     {decline: "insufficient_funds"},
	"visa_chargeDeclinedLostCard":              {decline: "lost_card"},
	"visa_chargeDeclinedStolenCard":            {decline: "stolen_card"},
	"visa_chargeDeclinedFraudulent":            {decline: "fraudulent"},
	"visa_chargeDeclinedExpiredCard":           {decline: "expired_card"},
	"visa_chargeDeclinedIncorrectCvc":          {decline: "incorrect_cvc"},
	"visa_chargeDeclinedProcessingError":       {decline: "processing_error"},
	"visa_chargeDeclinedVelocityLimitExceeded": {decline: "card_velocity_exceeded"},

	"authenticationRequired":             {action: true},
	"threeDSecure2Required":              {action: true},
	"threeDSecureRequired":               {action: true},
	"threeDSecureRequiredChargeDeclined": {action: true, decline: "generic_decline"},
	"pendingRefund":                      {refund: "pending"},
	"refundFail":                         {refund: "failed"},
	"processing":                         {processing: true},
	"processingThenDeclined":             {processing: true, decline: "insufficient_funds"},
}

func ruleOf(token, prefix string) (cardRule, bool) {
	name, ok := strings.CutPrefix(token, prefix)
	if !ok {
		return cardRule{}, false
	}
	rule, ok := cards[name]
	return rule, ok
}
