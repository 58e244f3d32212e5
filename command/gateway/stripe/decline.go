package stripe

import (
	"net/http"
	"strings"

	"github.com/stripe/stripe-go/v79"

	"ticketing/internal/card"
)

const (
	declined      = "Your card was declined."
	unknownMethod = "The payment method is unknown or was used already."
)

// reasons are what the customer reads, by Stripe's decline code or, without one, its error code. Any other code reads "Your card was
// declined.": above all suspicions (fraudulent, lost_card, stolen_card, pickup_card, merchant_blacklist, …), which would help a thief.
var reasons = map[string]string{
	"insufficient_funds":                    "Your card has insufficient funds.",
	"expired_card":                          "Your card has expired.",
	"incorrect_cvc":                         "Your card's security code is incorrect.",
	"invalid_cvc":                           "Your card's security code is incorrect.",
	"incorrect_number":                      "Your card's number is incorrect.",
	"invalid_number":                        "Your card's number is incorrect.",
	"invalid_expiry_month":                  "Your card's expiry date is incorrect.",
	"invalid_expiry_year":                   "Your card's expiry date is incorrect.",
	"incorrect_zip":                         "Your card's postal code is incorrect.",
	"incorrect_address":                     "Your card's billing address is incorrect.",
	"processing_error":                      "An error occurred while processing your card. Try again in a little bit.",
	"try_again_later":                       "An error occurred while processing your card. Try again in a little bit.",
	"issuer_not_available":                  "Your card's bank could not be reached. Try again in a little bit.",
	"card_velocity_exceeded":                "Your card was declined for making repeated attempts too frequently.",
	"withdrawal_count_limit_exceeded":       "Your card's limit is reached.",
	"card_not_supported":                    "Your card does not support this kind of purchase.",
	"currency_not_supported":                "Your card does not support this currency.",
	"duplicate_transaction":                 "The same amount was paid with this card a moment ago.",
	"authentication_required":               "Your bank asked you to confirm the payment, and got no confirmation.",
	"payment_intent_authentication_failure": "Your bank could not confirm that it is you.",
	"token_already_used":                    unknownMethod,
	"resource_missing":                      unknownMethod,
	"payment_method_provider_decline":       declined,
}

// declineReason returns what the customer reads instead of an error of Stripe.
func declineReason(err *stripe.Error) string {
	for _, code := range []string{string(err.DeclineCode), string(err.Code)} {
		if reason, ok := reasons[code]; ok {
			return reason
		}
	}
	return declined
}

// isDecline reports whether the customer can do something about a refused confirmation: the bank declined, or the payment method is wrong.
func isDecline(f *failure) bool {
	param := f.stripe.Param
	return f.status == http.StatusPaymentRequired || strings.Contains(param, "payment_method") || strings.Contains(param, "token") ||
		strings.Contains(param, "card") || f.stripe.Code == stripe.ErrorCodeTokenAlreadyUsed
}

// refusalReason returns what the customer reads after a refused confirmation; "" if it was not declined.
func refusalReason(f *failure) string {
	if f == nil || !isDecline(f) {
		return ""
	}
	return declineReason(f.stripe)
}

// confirmParams returns the parameters for a token, and false for what is not a token of Stripe, which is never sent. What the bank asks of the
// customer is done by Stripe's library in the browser.
func confirmParams(token string) (*stripe.PaymentIntentConfirmParams, bool) {
	params := &stripe.PaymentIntentConfirmParams{UseStripeSDK: new(true)}
	switch {
	case card.IsIn(token):
		return nil, false
	case strings.HasPrefix(token, "pm_"):
		params.PaymentMethod = &token
		return params, true
	case strings.HasPrefix(token, "tok_"):
		params.PaymentMethodData = &stripe.PaymentIntentPaymentMethodDataParams{Type: new("card")}
		params.AddExtra("payment_method_data[card][token]", token) // the library has no field for it
		return params, true
	}
	return nil, false
}
