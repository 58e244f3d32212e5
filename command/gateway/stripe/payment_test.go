package stripe_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/gateway"
	"ticketing/command/gateway/stripe/stripetest"
	"ticketing/command/payment"
)

// The process may die before Stripe's id is in the log.
func TestAPaymentIsFoundByOurID(t *testing.T) {
	g, double := newDouble(t)
	p := newPayment("pm_card_visa")
	double.Inject(stripetest.Fault{On: "POST /v1/payment_intents", LoseAnswer: true})
	_, err := g.Create(t.Context(), p)
	require.Error(t, err)
	p.CardToken = "" // it died with the process
	result, err := g.Lookup(t.Context(), p)
	requireOutcome(t, result, err, payment.OutcomeCreated)
	result, err = g.Cancel(t.Context(), p)
	requireOutcome(t, result, err, payment.OutcomeFailed)
	require.Equal(t, payment.Abandoned, result.Code)
	require.Len(t, double.Payments(), 1)
}

// Stripe repeats its own failure for a day for every request with the key: such a payment will never exist.
func TestAPaymentThatStripeFailedToCreateIsUnknown(t *testing.T) {
	g, double := newDouble(t)
	p := newPayment("pm_card_visa")
	double.Inject(stripetest.Fault{On: "POST /v1/payment_intents", Status: http.StatusInternalServerError, Kept: true})
	_, err := g.Create(t.Context(), p)
	requireUnsure(t, err)
	_, err = g.Cancel(t.Context(), p)
	require.ErrorIs(t, err, gateway.ErrUnknownPayment)
}

// Otherwise the client secret of a declined payment could be used to pay it after its reservation was released.
func TestADeclinedPaymentCanNoLongerBePaid(t *testing.T) {
	g, double := newDouble(t)
	for _, token := range []string{"pm_card_visa_chargeDeclined", "pm_card_none"} {
		result, err := g.Confirm(t.Context(), createPayment(t, g, token))
		requireDeclined(t, result, err, "")
	}
	p := createPayment(t, g, "pm_card_authenticationRequired")
	result, err := g.Confirm(t.Context(), p)
	requireOutcome(t, result, err, payment.OutcomeRequiresAction)
	double.FailAuthentication(t, p.TransactionID)
	p.CardToken = ""
	result, err = g.Confirm(t.Context(), p)
	requireDeclined(t, result, err, "Your bank could not confirm that it is you.")
	for _, made := range double.Payments() {
		require.Equal(t, "canceled", made.Status, made.TransactionID)
	}
}

func TestAPaymentCanBeDeclinedAfterTheAction(t *testing.T) {
	g, double := newDouble(t)
	p := createPayment(t, g, "pm_card_threeDSecureRequiredChargeDeclined")
	result, err := g.Confirm(t.Context(), p)
	requireOutcome(t, result, err, payment.OutcomeRequiresAction)
	double.Authenticate(t, result.NextAction.ClientSecret)
	result, err = g.Lookup(t.Context(), p)
	requireDeclined(t, result, err, "Your card was declined.")
}

func TestAProcessingPaymentCannotBeCancelled(t *testing.T) {
	g, double := newDouble(t)
	p := createPayment(t, g, "pm_card_processing")
	result, err := g.Confirm(t.Context(), p)
	requireOutcome(t, result, err, payment.OutcomeProcessing)
	result, err = g.Cancel(t.Context(), p)
	requireOutcome(t, result, err, payment.OutcomeProcessing)
	double.Settle(t, p.TransactionID)
	result, err = g.Confirm(t.Context(), p) // Stripe would repeat "processing"
	requireOutcome(t, result, err, payment.OutcomeSucceeded)

	p = createPayment(t, g, "pm_card_processingThenDeclined")
	result, err = g.Confirm(t.Context(), p)
	requireOutcome(t, result, err, payment.OutcomeProcessing)
	double.Settle(t, p.TransactionID)
	result, err = g.Lookup(t.Context(), p)
	requireDeclined(t, result, err, "Your card has insufficient funds.")
}
