package stripe_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/gateway"
	"ticketing/command/gateway/conformance"
	"ticketing/command/gateway/stripe"
	"ticketing/command/gateway/stripe/stripetest"
)

var tokens = conformance.Tokens{
	Charged: []string{"pm_card_visa", "tok_visa", "pm_card_mastercard", "tok_mastercard", "pm_card_amex", "tok_amex"},
	Declined: map[string]string{
		"pm_card_visa_chargeDeclined":                      "Your card was declined.",
		"tok_visa_chargeDeclined":                          "Your card was declined.",
		"pm_card_visa_chargeDeclinedInsufficientFunds":     "Your card has insufficient funds.",
		"pm_card_visa_chargeDeclinedExpiredCard":           "Your card has expired.",
		"pm_card_visa_chargeDeclinedIncorrectCvc":          "Your card's security code is incorrect.",
		"pm_card_visa_chargeDeclinedProcessingError":       "An error occurred while processing your card. Try again in a little bit.",
		"pm_card_visa_chargeDeclinedVelocityLimitExceeded": "Your card was declined for making repeated attempts too frequently.",
		"pm_card_visa_chargeDeclinedLostCard":              "Your card was declined.",
		"pm_card_visa_chargeDeclinedStolenCard":            "Your card was declined.",
		"pm_card_visa_chargeDeclinedFraudulent":            "Your card was declined.",
	},
	RequiresAction: []string{"pm_card_authenticationRequired", "pm_card_threeDSecure2Required"},
	Unknown:        []string{"pm_card_none", "tok_none", "visa", "", "4242424242424242"},
}

func TestConformance(t *testing.T) {
	double := stripetest.New(t)
	conformance.Run(t, conformance.Setup{
		New:    func(*testing.T) gateway.Gateway { return newGateway(double) },
		Act:    func(t *testing.T, action gateway.NextAction) { double.Authenticate(t, action.ClientSecret) },
		Tokens: tokens,
	})
	for _, call := range double.Calls() {
		require.NotContains(t, call.Form.Encode(), "4242", "a card number was sent")
	}
}

// TestStripe runs the same suite against Stripe's test mode, if there is a key of it.
func TestStripe(t *testing.T) {
	key := os.Getenv("STRIPE_API_KEY")
	if !strings.HasPrefix(key, "sk_test_") {
		t.Skip("set STRIPE_API_KEY to a key of Stripe's test mode (sk_test_…) to run the suite against Stripe itself")
	}
	conformance.Run(t, conformance.Setup{
		New: func(*testing.T) gateway.Gateway {
			return stripe.New(stripe.Config{APIKey: key, APIBase: "https://api.stripe.com"})
		},
		Act: func(t *testing.T, _ gateway.NextAction) {
			t.Skip("this needs a person on the bank's page")
		},
		Tokens: tokens,
	})
}

func newGateway(double *stripetest.Server) *stripe.Gateway {
	return stripe.New(stripe.Config{APIKey: stripetest.APIKey, WebhookSecrets: []string{"whsec_the_next_one", stripetest.WebhookSecret}, APIBase: double.URL})
}
