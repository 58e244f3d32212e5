package stripe_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	"ticketing/command/gateway"
	"ticketing/command/gateway/stripe"
	"ticketing/command/gateway/stripe/stripetest"
	"ticketing/command/payment"
	"ticketing/internal/id"
	"ticketing/internal/money"
)

func newPayment(token string) gateway.Payment {
	return gateway.Payment{
		ID: id.New(id.Payment), ReservationID: id.New(id.Reservation), CardToken: token, Amount: money.Money{Minor: 2500, Currency: "EUR"},
	}
}

// createPayment answers a payment that exists at Stripe, unconfirmed.
func createPayment(t *testing.T, g *stripe.Gateway, token string) gateway.Payment {
	t.Helper()
	p := newPayment(token)
	result, err := g.Create(t.Context(), p)
	requireOutcome(t, result, err, payment.OutcomeCreated)
	p.TransactionID = result.TransactionID
	return p
}

// chargePayment answers a payment that was charged.
func chargePayment(t *testing.T, g *stripe.Gateway, token string) gateway.Payment {
	t.Helper()
	p := createPayment(t, g, token)
	result, err := g.Confirm(t.Context(), p)
	requireOutcome(t, result, err, payment.OutcomeSucceeded)
	return p
}

func requireOutcome(t *testing.T, got gateway.Result, err error, want payment.Outcome) {
	t.Helper()
	if err != nil || got.Outcome != want {
		t.Fatalf("got %+v, %v; want %s", got, err, want)
	}
}

func requireFailed(t *testing.T, got gateway.Result, err error, code payment.FailureCode, reason string) {
	t.Helper()
	requireOutcome(t, got, err, payment.OutcomeFailed)
	if got.Code != code || (reason != "" && got.Reason != reason) {
		t.Fatalf("got %+v; want %s: %s", got, code, reason)
	}
}

// requireUnavailable wants an error that says that certainly nothing was changed; expectUnsure one that does not.
func requireUnavailable(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, gateway.ErrUnavailable) {
		t.Fatalf("got %v, want ErrUnavailable", err)
	}
}

func requireUnsure(t *testing.T, err error) {
	t.Helper()
	if err == nil || errors.Is(err, gateway.ErrUnavailable) || errors.Is(err, gateway.ErrUnknownPayment) {
		t.Fatalf("got %v, want an error that leaves open what happened", err)
	}
}

func TestARequestSaysWhatItIsFor(t *testing.T) {
	double := stripetest.New(t)
	p := chargePayment(t, newGateway(double), "tok_visa")
	calls := double.Calls()
	create, confirm := calls[0], calls[1]
	for name, want := range map[string]string{
		"amount": "2500", "currency": "eur", "metadata[payment_id]": p.ID, "metadata[reservation_id]": p.ReservationID, "payment_method_types[0]": "card",
		"confirm": "", "payment_method": "",
	} {
		if got := create.Form.Get(name); got != want {
			t.Errorf("create: %s is %q, want %q", name, got, want)
		}
	}
	if create.Key != p.ID+"/create" || confirm.Key != p.ID+"/confirm" {
		t.Errorf("idempotency keys %q and %q", create.Key, confirm.Key)
	}
	if confirm.Form.Get("payment_method_data[type]") != "card" || confirm.Form.Get("payment_method_data[card][token]") != "tok_visa" {
		t.Errorf("confirm: %v", confirm.Form)
	}
	r := gateway.Refund{ID: id.New(id.Refund), TransactionID: p.TransactionID, Amount: p.Amount}
	if _, err := newGateway(double).Refund(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	refund := double.Calls()[3]
	if refund.Key != r.ID || refund.Form.Get("metadata[refund_id]") != r.ID || refund.Form.Get("payment_intent") != p.TransactionID {
		t.Errorf("refund: key %q, %v", refund.Key, refund.Form)
	}
}

// What is not certain after a confirmation decides whether a customer is told that nothing was charged.
func TestWhatIsCertainAfterAFailedCall(t *testing.T) {
	for name, c := range map[string]struct {
		fault   stripetest.Fault
		certain bool
	}{
		"the answer is lost":          {stripetest.Fault{LoseAnswer: true}, false},
		"a fault of Stripe's":         {stripetest.Fault{Status: http.StatusInternalServerError}, false},
		"a proxy in between":          {stripetest.Fault{Status: http.StatusBadGateway}, false},
		"Stripe is overloaded":        {stripetest.Fault{Status: http.StatusServiceUnavailable}, false},
		"too many requests":           {stripetest.Fault{Status: http.StatusTooManyRequests, Code: "rate_limit"}, true},
		"the key was revoked":         {stripetest.Fault{Status: http.StatusUnauthorized}, true},
		"the key may not do that":     {stripetest.Fault{Status: http.StatusForbidden}, true},
		"a parameter that is refused": {stripetest.Fault{Status: http.StatusBadRequest, Code: "parameter_unknown"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			double := stripetest.New(t)
			g := newGateway(double)
			p := createPayment(t, g, "pm_card_visa")
			c.fault.On = "/confirm"
			double.Inject(c.fault)
			_, err := g.Confirm(t.Context(), p)
			if c.certain {
				requireUnavailable(t, err)
			} else {
				requireUnsure(t, err)
			}
			result, err := g.Lookup(t.Context(), p)
			if c.fault.LoseAnswer {
				requireOutcome(t, result, err, payment.OutcomeSucceeded)
			} else {
				requireOutcome(t, result, err, payment.OutcomeCreated)
			}
		})
	}
	t.Run("nobody is there", func(t *testing.T) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_ = listener.Close()
		g := stripe.New(stripe.Config{APIKey: stripetest.APIKey, APIBase: "http://" + listener.Addr().String()})
		p := newPayment("pm_card_visa")
		p.TransactionID = "pi_1"
		_, err = g.Confirm(t.Context(), p)
		requireUnavailable(t, err)
	})
	t.Run("no time is left", func(t *testing.T) {
		double := stripetest.New(t)
		g := newGateway(double)
		p := createPayment(t, g, "pm_card_visa")
		arrived, release := double.Hold("/confirm")
		defer release()
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-arrived; cancel() }()
		_, err := g.Confirm(ctx, p)
		requireUnsure(t, err)
	})
}

func TestARequestInTheWayIsWaitedFor(t *testing.T) {
	double := stripetest.New(t)
	g := newGateway(double)
	p := createPayment(t, g, "pm_card_visa")
	double.Inject(stripetest.Fault{On: "/confirm", Status: http.StatusConflict, Code: "idempotency_key_in_use"})
	double.Inject(stripetest.Fault{On: "/confirm", Status: http.StatusTooManyRequests, Code: "lock_timeout"})
	result, err := g.Confirm(t.Context(), p)
	requireOutcome(t, result, err, payment.OutcomeSucceeded)
}

// The process may die before Stripe's id is in the log.
func TestAPaymentIsFoundByOurID(t *testing.T) {
	double := stripetest.New(t)
	g := newGateway(double)
	p := newPayment("pm_card_visa")
	double.Inject(stripetest.Fault{On: "POST /v1/payment_intents", LoseAnswer: true})
	if _, err := g.Create(t.Context(), p); err == nil {
		t.Fatal("the answer was not lost")
	}
	p.CardToken = "" // which died with the process
	result, err := g.Lookup(t.Context(), p)
	requireOutcome(t, result, err, payment.OutcomeCreated)
	result, err = g.Cancel(t.Context(), p)
	requireFailed(t, result, err, payment.Abandoned, "")
	if n := len(double.Payments()); n != 1 {
		t.Fatalf("%d PaymentIntents were made", n)
	}
}

// Stripe repeats its own failure for a day to everybody who sends the key: such a payment will never exist.
func TestACreationThatStripeFailedAtIsGivenUp(t *testing.T) {
	double := stripetest.New(t)
	g := newGateway(double)
	p := newPayment("pm_card_visa")
	double.Inject(stripetest.Fault{On: "POST /v1/payment_intents", Status: http.StatusInternalServerError, Kept: true})
	_, err := g.Create(t.Context(), p)
	requireUnsure(t, err)
	if _, err := g.Cancel(t.Context(), p); !errors.Is(err, gateway.ErrUnknownPayment) {
		t.Fatalf("got %v, want ErrUnknownPayment", err)
	}
}

// Who holds the client secret of a declined payment could otherwise pay it after its reservation was given up.
func TestADeclinedPaymentCannotBePaidAnyMore(t *testing.T) {
	double := stripetest.New(t)
	g := newGateway(double)
	for _, token := range []string{"pm_card_visa_chargeDeclined", "pm_card_none"} {
		p := createPayment(t, g, token)
		result, err := g.Confirm(t.Context(), p)
		requireFailed(t, result, err, payment.Declined, "")
	}
	p := createPayment(t, g, "pm_card_authenticationRequired")
	result, err := g.Confirm(t.Context(), p)
	requireOutcome(t, result, err, payment.OutcomeRequiresAction)
	double.FailAuthentication(t, p.TransactionID)
	p.CardToken = ""
	result, err = g.Confirm(t.Context(), p)
	requireFailed(t, result, err, payment.Declined, "Your bank could not confirm that it is you.")
	for _, made := range double.Payments() {
		if made.Status != "canceled" {
			t.Errorf("%s is %s", made.TransactionID, made.Status)
		}
	}
}

func TestADeclineAfterTheAction(t *testing.T) {
	double := stripetest.New(t)
	g := newGateway(double)
	p := createPayment(t, g, "pm_card_threeDSecureRequiredChargeDeclined")
	result, err := g.Confirm(t.Context(), p)
	requireOutcome(t, result, err, payment.OutcomeRequiresAction)
	double.Authenticate(t, result.NextAction.ClientSecret)
	result, err = g.Lookup(t.Context(), p)
	requireFailed(t, result, err, payment.Declined, "Your card was declined.")
}

func TestAPaymentThatTakesItsTime(t *testing.T) {
	double := stripetest.New(t)
	g := newGateway(double)
	p := createPayment(t, g, "pm_card_processing")
	result, err := g.Confirm(t.Context(), p)
	requireOutcome(t, result, err, payment.OutcomeProcessing)
	result, err = g.Cancel(t.Context(), p) // nobody can
	requireOutcome(t, result, err, payment.OutcomeProcessing)
	double.Settle(t, p.TransactionID)
	result, err = g.Confirm(t.Context(), p) // which Stripe would answer with "processing" again
	requireOutcome(t, result, err, payment.OutcomeSucceeded)

	p = createPayment(t, g, "pm_card_processingThenDeclined")
	result, err = g.Confirm(t.Context(), p)
	requireOutcome(t, result, err, payment.OutcomeProcessing)
	double.Settle(t, p.TransactionID)
	result, err = g.Lookup(t.Context(), p)
	requireFailed(t, result, err, payment.Declined, "Your card has insufficient funds.")
}

func TestRefundsThatTakeTheirTime(t *testing.T) {
	double := stripetest.New(t)
	g := newGateway(double)
	for _, status := range []string{"succeeded", "failed"} {
		p := chargePayment(t, g, "pm_card_pendingRefund")
		r := gateway.Refund{ID: id.New(id.Refund), TransactionID: p.TransactionID, Amount: p.Amount}
		for range 2 {
			if got, err := g.Refund(t.Context(), r); err != nil || !got.Pending {
				t.Fatalf("got %+v, %v; want it pending", got, err)
			}
		}
		double.SettleRefunds(t, p.TransactionID, status)
		if got, err := g.Refund(t.Context(), r); err != nil || got.Pending || got.Failed != (status == "failed") {
			t.Fatalf("%s: got %+v, %v", status, got, err)
		}
	}
	p := chargePayment(t, g, "pm_card_refundFail")
	r := gateway.Refund{ID: id.New(id.Refund), TransactionID: p.TransactionID, Amount: p.Amount}
	if got, err := g.Refund(t.Context(), r); err != nil || !got.Failed || got.Reason == "" {
		t.Fatalf("got %+v, %v; want it refused", got, err)
	}
}

func TestALostRefundIsFoundAndNotMadeAgain(t *testing.T) {
	double := stripetest.New(t)
	g := newGateway(double)
	p := chargePayment(t, g, "pm_card_visa")
	r := gateway.Refund{ID: id.New(id.Refund), TransactionID: p.TransactionID, Amount: money.Money{Minor: 1000, Currency: "EUR"}}
	double.Inject(stripetest.Fault{On: "POST /v1/refunds", LoseAnswer: true})
	if _, err := g.Refund(t.Context(), r); err == nil {
		t.Fatal("the answer was not lost")
	}
	double.ForgetKeys() // it is the next day
	if got, err := g.Refund(t.Context(), r); err != nil || got.Failed || got.Pending {
		t.Fatalf("got %+v, %v", got, err)
	}
	if left := double.Balance(); left != 1500 {
		t.Fatalf("%d are left of 2500", left)
	}
}

func TestARefundThatMayBePossibleLaterIsNoRefusal(t *testing.T) {
	double := stripetest.New(t)
	g := newGateway(double)
	p := chargePayment(t, g, "pm_card_visa")
	r := gateway.Refund{ID: id.New(id.Refund), TransactionID: p.TransactionID, Amount: p.Amount}
	double.Inject(stripetest.Fault{On: "POST /v1/refunds", Status: http.StatusBadRequest, Code: "balance_insufficient"})
	if got, err := g.Refund(t.Context(), r); err == nil {
		t.Fatalf("got %+v, want an error", got)
	}
	if got, err := g.Refund(t.Context(), r); err != nil || got.Failed || got.Pending {
		t.Fatalf("got %+v, %v", got, err)
	}
}

func TestReversalsThatNobodyAskedForHere(t *testing.T) {
	double := stripetest.New(t)
	g := newGateway(double)
	p := chargePayment(t, g, "pm_card_visa")
	double.RefundInDashboard(t, p.TransactionID, 700)
	double.Dispute(t, p.TransactionID)
	got, err := g.Reversals(t.Context(), p)
	if err != nil || len(got) != 2 {
		t.Fatalf("got %+v, %v", got, err)
	}
	eur := func(minor int64) money.Money { return money.Money{Minor: minor, Currency: "EUR"} }
	if want := (gateway.Reversal{ID: got[0].ID, Amount: eur(700), Status: gateway.ReversalDone}); got[0] != want || got[0].ID == "" {
		t.Errorf("got %+v, want %+v", got[0], want)
	}
	want := gateway.Reversal{ID: got[1].ID, Dispute: true, Amount: eur(2500), Status: gateway.ReversalPending, Reason: "product_not_received"}
	if got[1] != want || got[1].ID == "" {
		t.Errorf("got %+v, want %+v", got[1], want)
	}
	r := gateway.Refund{ID: id.New(id.Refund), TransactionID: p.TransactionID, Amount: eur(100)}
	if refused, err := g.Refund(t.Context(), r); err != nil || !refused.Failed {
		t.Errorf("refund of a disputed payment: got %+v, %v", refused, err)
	}
	for status, want := range map[string]gateway.ReversalStatus{"won": gateway.ReversalFailed, "lost": gateway.ReversalDone} {
		double.CloseDispute(t, p.TransactionID, status)
		if got, err := g.Reversals(t.Context(), p); err != nil || got[1].Status != want {
			t.Errorf("%s: got %+v, %v", status, got, err)
		}
	}
}

// An error may be logged: it must hold neither the key nor a client secret, nor what Stripe said, which may repeat what was sent.
func TestErrorsGiveNothingAway(t *testing.T) {
	double := stripetest.New(t)
	g := newGateway(double)
	p := createPayment(t, g, "pm_card_visa")
	_, wrongKey := stripe.New(stripe.Config{APIKey: "sk_test_wrongWrongWrongWrong", APIBase: double.URL}).Lookup(t.Context(), p)
	requireUnavailable(t, wrongKey)
	double.Inject(stripetest.Fault{On: "/confirm", Status: http.StatusBadRequest})
	_, refused := g.Confirm(t.Context(), p)
	double.Down()
	_, down := g.Lookup(t.Context(), p)
	for _, err := range []error{wrongKey, refused, down} {
		if err == nil {
			t.Fatal("no error")
		}
		for _, secret := range []string{"sk_test", "Bearer", "_secret_", "told to fail"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%q holds %q", err, secret)
			}
		}
	}
}
