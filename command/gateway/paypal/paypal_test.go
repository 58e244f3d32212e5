package paypal_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ticketing/command/gateway"
	"ticketing/command/gateway/paypal"
	"ticketing/command/gateway/paypal/paypaltest"
	"ticketing/command/payment"
	"ticketing/internal/id"
	"ticketing/internal/money"
)

func newPayment(minor int64, currency string) gateway.Payment {
	return gateway.Payment{
		ID: id.New(id.Payment), ReservationID: id.New(id.Reservation), Amount: money.Money{Minor: minor, Currency: currency},
		ReturnURL: "https://tickets.example.com/paid", CancelURL: "https://tickets.example.com/cart",
	}
}

func TestCustomersApproveOnThePagesOfTheSameAccount(t *testing.T) {
	for api, pages := range map[string]string{
		"https://api-m.paypal.com": "https://www.paypal.com", "https://api-m.sandbox.paypal.com/": "https://www.sandbox.paypal.com",
		"https://api.paypal.com": "https://www.paypal.com", "http://127.0.0.1:80": "http://127.0.0.1:80",
	} {
		require.Equal(t, pages, paypal.PagesOf(api))
	}
}

type gatewayCall = func(context.Context, gateway.Payment) (gateway.Result, error)

// newApproved returns a gateway, its double, and a payment that the customer has approved.
func newApproved(t *testing.T) (*paypal.Gateway, *paypaltest.Server, gateway.Payment) {
	t.Helper()
	double := paypaltest.New(t)
	g, p := newGateway(double), newPayment(2500, "EUR")
	created, err := g.Create(t.Context(), p)
	require.NoError(t, err)
	p.TransactionID = created.TransactionID
	double.Approve(t, p.TransactionID, false)
	return g, double, p
}

func TestACaptureWhoseResponseIsLostIsNotRepeated(t *testing.T) {
	g, double, p := newApproved(t)
	double.Inject(paypaltest.Fault{On: "/capture", LoseAnswer: true})
	_, err := g.Confirm(t.Context(), p)
	require.Error(t, err)
	require.NotErrorIs(t, err, gateway.ErrUnavailable, "it may have been charged")
	for _, call := range []gatewayCall{g.Lookup, g.Confirm, g.Cancel} {
		result, err := call(t.Context(), p)
		require.NoError(t, err)
		require.Equal(t, payment.OutcomeSucceeded, result.Outcome)
	}
}

func TestAnOrderWhoseResponseIsLostIsFoundByOurID(t *testing.T) {
	double := paypaltest.New(t)
	g, p := newGateway(double), newPayment(2500, "EUR")
	double.Inject(paypaltest.Fault{On: "POST /v2/checkout/orders", LoseAnswer: true})
	_, err := g.Create(t.Context(), p)
	require.Error(t, err)
	found, err := g.Lookup(t.Context(), p)
	require.NoError(t, err)
	again, err := g.Create(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, found.TransactionID, again.TransactionID)
}

func TestOnlyARequestThatPayPalRefusedIsUnavailable(t *testing.T) {
	for status, unavailable := range map[int]bool{
		http.StatusTooManyRequests: true, http.StatusForbidden: true, http.StatusInternalServerError: false, http.StatusServiceUnavailable: false,
	} {
		g, double, p := newApproved(t)
		double.Inject(paypaltest.Fault{On: "/capture", Status: status, Code: "X"})
		_, err := g.Confirm(t.Context(), p)
		require.Error(t, err)
		require.Equal(t, unavailable, errors.Is(err, gateway.ErrUnavailable), "%d: %v", status, err)
	}
	for status, refused := range map[int]bool{
		http.StatusUnprocessableEntity: true, http.StatusBadRequest: true, http.StatusTooManyRequests: false, http.StatusServiceUnavailable: false,
	} {
		g, double, p := newApproved(t)
		double.Inject(paypaltest.Fault{On: "GET /v2/checkout/orders", Status: status, Code: "X"})
		_, err := g.Lookup(t.Context(), p)
		require.Equal(t, refused, errors.Is(err, gateway.ErrRefused), "%d: %v", status, err)
	}
	g, double, p := newApproved(t)
	double.Down()
	_, err := g.Confirm(t.Context(), p)
	require.Error(t, err)
	require.NotErrorIs(t, err, gateway.ErrUnavailable, "the request was sent")
}

func TestARequestThatCannotBeSentIsUnavailable(t *testing.T) {
	g := paypal.New(paypal.Config{ClientID: "id", ClientSecret: "a-secret-of-the-account", APIBase: "http://127.0.0.1:1"})
	_, err := g.Lookup(t.Context(), gateway.Payment{ID: "pay", TransactionID: "x"})
	require.ErrorIs(t, err, gateway.ErrUnavailable)
	require.NotContains(t, err.Error(), "a-secret")
}

func TestABusyRequestIsSentAgain(t *testing.T) {
	g, double, p := newApproved(t)
	double.Inject(paypaltest.Fault{On: "/capture", Status: http.StatusConflict, Code: "BUSY"})
	result, err := g.Confirm(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, payment.OutcomeSucceeded, result.Outcome)
}

func TestConcurrentCallsRequestOneAccessToken(t *testing.T) {
	g, double, p := newApproved(t)
	lookups := func() {
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				_, err := g.Lookup(t.Context(), p)
				assert.NoError(t, err)
			})
		}
		wg.Wait()
	}
	lookups()
	require.Equal(t, 1, double.Tokens())
	double.ExpireToken()
	lookups()
	require.Equal(t, 2, double.Tokens(), "a stale one is replaced once")
}

func TestAWrongSecretIsUnavailableAndStaysSecret(t *testing.T) {
	double := paypaltest.New(t)
	g := paypal.New(paypal.Config{ClientID: paypaltest.ClientID, ClientSecret: "another-secret-of-the-account", APIBase: double.URL})
	_, err := g.Create(t.Context(), newPayment(2500, "EUR"))
	require.ErrorIs(t, err, gateway.ErrUnavailable)
	require.NotContains(t, err.Error(), "another-secret")
}

func TestAmountsThatPayPalCannotTake(t *testing.T) {
	g := newGateway(paypaltest.New(t))
	for _, c := range []struct {
		minor    int64
		currency string
		says     string // empty: it can
	}{
		{1, "EUR", ""},
		{15_000, "JPY", ""},
		{15_000, "HUF", ""},
		{80_000, "TWD", ""},
		{15_045, "HUF", "only whole amounts"},
		{80_045, "TWD", "only whole amounts"},
		{15_000, "KWD", "Amounts in KWD"},
	} {
		result, err := g.Create(t.Context(), newPayment(c.minor, c.currency))
		require.NoError(t, err, c)
		if c.says == "" {
			require.Equal(t, payment.OutcomeCreated, result.Outcome, c)
			continue
		}
		require.Equal(t, payment.OutcomeFailed, result.Outcome, c)
		require.Equal(t, payment.Declined, result.Code, c)
		require.Contains(t, result.Reason, c.says)
	}
}

func TestACaptureThatPayPalReviewsIsProcessing(t *testing.T) {
	g, double, p := newApproved(t)
	double.Review(p.TransactionID, true)
	for _, call := range []gatewayCall{g.Confirm, g.Cancel, g.Lookup} {
		result, err := call(t.Context(), p)
		require.NoError(t, err)
		require.Equal(t, payment.OutcomeProcessing, result.Outcome)
	}
	double.Review(p.TransactionID, false)
	result, err := g.Lookup(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, payment.OutcomeSucceeded, result.Outcome)
}

func TestADeclinedOrderCannotBeApprovedAgain(t *testing.T) {
	double := paypaltest.New(t)
	g, p := newGateway(double), newPayment(2500, "EUR")
	created, err := g.Create(t.Context(), p)
	require.NoError(t, err)
	p.TransactionID = created.TransactionID
	double.Approve(t, p.TransactionID, true)
	result, err := g.Confirm(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, payment.Declined, result.Code)
	double.ChangeCard(p.TransactionID) // on PayPal's page
	result, err = g.Confirm(t.Context(), p)
	require.NoError(t, err)
	require.Equal(t, payment.OutcomeFailed, result.Outcome)
	require.NotContains(t, double.Calls()[len(double.Calls())-1].Path, "/capture")
}

func TestALostRefundIsNotRepeatedAfterPayPalDroppedItsKey(t *testing.T) {
	g, double, p := newApproved(t)
	_, err := g.Confirm(t.Context(), p)
	require.NoError(t, err)
	r := gateway.Refund{ID: id.New(id.Refund), TransactionID: p.TransactionID, Amount: money.Money{Minor: 1000, Currency: "EUR"}}
	double.Inject(paypaltest.Fault{On: "/refund", LoseAnswer: true})
	_, err = g.Refund(t.Context(), r)
	require.Error(t, err)
	double.ForgetKeys()
	for range 2 {
		result, err := g.Refund(t.Context(), r)
		require.NoError(t, err)
		require.Equal(t, gateway.RefundResult{}, result)
	}
	reversals, err := g.Reversals(t.Context(), p)
	require.NoError(t, err)
	require.Len(t, reversals, 1)
}

func TestARefundThatMayBePossibleLaterIsAnError(t *testing.T) {
	g, double, p := newApproved(t)
	_, err := g.Confirm(t.Context(), p)
	require.NoError(t, err)
	r := gateway.Refund{ID: id.New(id.Refund), TransactionID: p.TransactionID, Amount: p.Amount}
	double.Inject(paypaltest.Fault{On: "/refund", Status: http.StatusUnprocessableEntity, Code: "REFUND_FAILED_INSUFFICIENT_FUNDS"})
	_, err = g.Refund(t.Context(), r)
	require.Error(t, err)
	result, err := g.Refund(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, gateway.RefundResult{}, result)
}

func TestDisputesAreReversals(t *testing.T) {
	g, double, p := newApproved(t)
	_, err := g.Confirm(t.Context(), p)
	require.NoError(t, err)
	double.Dispute(p.TransactionID, "INQUIRY", "")
	double.Dispute(p.TransactionID, "CHARGEBACK", "")
	double.Dispute(p.TransactionID, "CHARGEBACK", "RESOLVED_SELLER_FAVOUR")
	double.Dispute(p.TransactionID, "CHARGEBACK", "RESOLVED_BUYER_FAVOUR")
	reversals, err := g.Reversals(t.Context(), p)
	require.NoError(t, err)
	var got []gateway.ReversalStatus
	for _, r := range reversals {
		require.True(t, r.Dispute)
		require.Equal(t, p.Amount, r.Amount)
		require.True(t, strings.HasPrefix(r.ID, "PP-D-"))
		got = append(got, r.Status)
	}
	slices.Sort(got)
	require.Equal(t, []gateway.ReversalStatus{gateway.ReversalDone, gateway.ReversalFailed, gateway.ReversalPending}, got)
}

// What was paid out counts, not the outcome's name: a buyer who has the money is not refunded on top.
func TestADisputeIsLostWhenTheBuyerWasPaid(t *testing.T) {
	for outcome, want := range map[string]gateway.ReversalStatus{
		"ACCEPTED": gateway.ReversalDone, "RESOLVED_WITH_PAYOUT": gateway.ReversalDone, "RESOLVED_BUYER_FAVOUR": gateway.ReversalDone,
		"DENIED":            gateway.ReversalDone, // the double pays 1.00 out
		"CANCELED_BY_BUYER": gateway.ReversalFailed, "RESOLVED_SELLER_FAVOUR": gateway.ReversalFailed, "NEWS": gateway.ReversalDone,
	} {
		g, double, p := newApproved(t)
		_, err := g.Confirm(t.Context(), p)
		require.NoError(t, err)
		double.Dispute(p.TransactionID, "CHARGEBACK", outcome)
		reversals, err := g.Reversals(t.Context(), p)
		require.NoError(t, err)
		require.Equal(t, want, reversals[0].Status, outcome)
	}
}
