package stripe_test

import (
	"context"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/gateway"
	"ticketing/command/gateway/stripe"
	"ticketing/command/gateway/stripe/stripetest"
	"ticketing/command/payment"
	"ticketing/internal/id"
	"ticketing/internal/money"
)

func newDouble(t *testing.T) (*stripe.Gateway, *stripetest.Server) {
	t.Helper()
	double := stripetest.New(t)
	return newGateway(double), double
}

func newPayment(token string) gateway.Payment {
	return gateway.Payment{
		ID: id.New(id.Payment), ReservationID: id.New(id.Reservation), CardToken: token, Amount: money.Money{Minor: 2500, Currency: "EUR"},
	}
}

func newRefund(p gateway.Payment, minor int64) gateway.Refund {
	return gateway.Refund{ID: id.New(id.Refund), TransactionID: p.TransactionID, Amount: money.Money{Minor: minor, Currency: p.Amount.Currency}}
}

// createPayment returns a payment that exists at Stripe, unconfirmed.
func createPayment(t *testing.T, g *stripe.Gateway, token string) gateway.Payment {
	t.Helper()
	p := newPayment(token)
	result, err := g.Create(t.Context(), p)
	requireOutcome(t, result, err, payment.OutcomeCreated)
	p.TransactionID = result.TransactionID
	return p
}

func chargePayment(t *testing.T, g *stripe.Gateway, token string) gateway.Payment {
	t.Helper()
	p := createPayment(t, g, token)
	result, err := g.Confirm(t.Context(), p)
	requireOutcome(t, result, err, payment.OutcomeSucceeded)
	return p
}

func requireOutcome(t *testing.T, got gateway.Result, err error, want payment.Outcome) {
	t.Helper()
	require.NoError(t, err)
	require.Equal(t, want, got.Outcome, got.Reason)
}

// requireDeclined requires a decline, with this reason unless it is empty.
func requireDeclined(t *testing.T, got gateway.Result, err error, reason string) {
	t.Helper()
	requireOutcome(t, got, err, payment.OutcomeFailed)
	require.Equal(t, payment.Declined, got.Code)
	if reason != "" {
		require.Equal(t, reason, got.Reason)
	}
}

// requireUnsure requires an error after which the outcome is unknown.
func requireUnsure(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	require.NotErrorIs(t, err, gateway.ErrUnavailable)
	require.NotErrorIs(t, err, gateway.ErrUnknownPayment)
}

func TestRequestsCarryOurIDsAndKeys(t *testing.T) {
	g, double := newDouble(t)
	p := chargePayment(t, g, "tok_visa")
	calls := double.Calls()
	create, confirm := calls[0], calls[1]
	for name, want := range map[string]string{
		"amount": "2500", "currency": "eur", "metadata[payment_id]": p.ID, "metadata[reservation_id]": p.ReservationID, "payment_method_types[0]": "card",
		"confirm": "", "payment_method": "",
	} {
		require.Equal(t, want, create.Form.Get(name), name)
	}
	require.Equal(t, p.ID+"/create", create.Key)
	require.Equal(t, p.ID+"/confirm", confirm.Key)
	require.Equal(t, "card", confirm.Form.Get("payment_method_data[type]"))
	require.Equal(t, "tok_visa", confirm.Form.Get("payment_method_data[card][token]"))

	r := newRefund(p, 2500)
	_, err := g.Refund(t.Context(), r)
	require.NoError(t, err)
	refund := double.Calls()[3]
	require.Equal(t, r.ID, refund.Key)
	require.Equal(t, r.ID, refund.Form.Get("metadata[refund_id]"))
	require.Equal(t, p.TransactionID, refund.Form.Get("payment_intent"))
}

// Only after an error that is certain, the customer reads that nothing was charged.
func TestOnlyARequestThatStripeRefusedIsUnavailable(t *testing.T) {
	for name, c := range map[string]struct {
		fault   stripetest.Fault
		certain bool
	}{
		"the response is lost":      {stripetest.Fault{LoseAnswer: true}, false},
		"a fault of Stripe's":       {stripetest.Fault{Status: http.StatusInternalServerError}, false},
		"a proxy in between":        {stripetest.Fault{Status: http.StatusBadGateway}, false},
		"Stripe is overloaded":      {stripetest.Fault{Status: http.StatusServiceUnavailable}, false},
		"too many requests":         {stripetest.Fault{Status: http.StatusTooManyRequests, Code: "rate_limit"}, true},
		"the key was revoked":       {stripetest.Fault{Status: http.StatusUnauthorized}, true},
		"the key lacks permissions": {stripetest.Fault{Status: http.StatusForbidden}, true},
		"a parameter is refused":    {stripetest.Fault{Status: http.StatusBadRequest, Code: "parameter_unknown"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			g, double := newDouble(t)
			p := createPayment(t, g, "pm_card_visa")
			c.fault.On = "/confirm"
			double.Inject(c.fault)
			_, err := g.Confirm(t.Context(), p)
			if c.certain {
				require.ErrorIs(t, err, gateway.ErrUnavailable)
			} else {
				requireUnsure(t, err)
			}
			want := payment.OutcomeCreated
			if c.fault.LoseAnswer {
				want = payment.OutcomeSucceeded
			}
			result, err := g.Lookup(t.Context(), p)
			requireOutcome(t, result, err, want)
		})
	}
}

func TestARequestThatCannotBeSentIsUnavailable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	g := stripe.New(stripe.Config{APIKey: stripetest.APIKey, APIBase: "http://" + listener.Addr().String()})
	p := newPayment("pm_card_visa")
	p.TransactionID = "pi_1"
	_, err = g.Confirm(t.Context(), p)
	require.ErrorIs(t, err, gateway.ErrUnavailable)
}

func TestAConfirmationThatTimesOutLeavesTheOutcomeOpen(t *testing.T) {
	g, double := newDouble(t)
	p := createPayment(t, g, "pm_card_visa")
	arrived, release := double.Hold("/confirm")
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	_, err := g.Confirm(ctx, p)
	requireUnsure(t, err)
}

func TestABusyRequestIsSentAgain(t *testing.T) {
	g, double := newDouble(t)
	p := createPayment(t, g, "pm_card_visa")
	double.Inject(stripetest.Fault{On: "/confirm", Status: http.StatusConflict, Code: "idempotency_key_in_use"})
	double.Inject(stripetest.Fault{On: "/confirm", Status: http.StatusTooManyRequests, Code: "lock_timeout"})
	result, err := g.Confirm(t.Context(), p)
	requireOutcome(t, result, err, payment.OutcomeSucceeded)
}

// Errors are logged: they contain neither the key nor a client secret, nor Stripe's message, which may repeat what was sent.
func TestErrorsContainNoSecrets(t *testing.T) {
	g, double := newDouble(t)
	p := createPayment(t, g, "pm_card_visa")
	_, wrongKey := stripe.New(stripe.Config{APIKey: "sk_test_wrongWrongWrongWrong", APIBase: double.URL}).Lookup(t.Context(), p)
	require.ErrorIs(t, wrongKey, gateway.ErrUnavailable)
	double.Inject(stripetest.Fault{On: "/confirm", Status: http.StatusBadRequest})
	_, refused := g.Confirm(t.Context(), p)
	double.Down()
	_, down := g.Lookup(t.Context(), p)
	for _, err := range []error{wrongKey, refused, down} {
		require.Error(t, err)
		for _, secret := range []string{"sk_test", "Bearer", "_secret_", "makes this request fail"} {
			require.NotContains(t, err.Error(), secret)
		}
	}
}
