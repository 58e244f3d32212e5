package webhook_test

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/gateway/gatewaytest"
	"ticketing/command/gateway/paypal"
	"ticketing/command/gateway/paypal/paypaltest"
	"ticketing/command/payment"
	"ticketing/command/rejection"
	"ticketing/command/reservation"
	"ticketing/internal/id"
)

// paypalWorld is a shop that takes PayPal.
type paypalWorld struct {
	*shop

	double *paypaltest.Server
}

func newPayPalWorld(t *testing.T) *paypalWorld {
	t.Helper()
	double := paypaltest.New(t)
	return &paypalWorld{newShop(t, paypal.New(paypal.Config{
		ClientID: paypaltest.ClientID, ClientSecret: paypaltest.ClientSecret, APIBase: double.URL, WebhookID: paypaltest.WebhookID,
	})), double}
}

// begin returns a payment whose customer is sent to PayPal.
func (w *paypalWorld) begin() command.Payment {
	w.t.Helper()
	paid, err := w.ProcessPayment(w.t.Context(), alice, command.ProcessPayment{
		ReservationID: w.reserve(), PayPal: &command.PayPal{ReturnURL: "https://tickets.example.com/paid", CancelURL: "https://tickets.example.com/cart"},
	})
	require.NoError(w.t, err)
	return *paid.Payment
}

// pay returns a payment that is paid.
func (w *paypalWorld) pay() command.Payment {
	w.t.Helper()
	p := w.begin()
	w.double.Approve(w.t, p.TransactionID, false)
	paid, err := w.ConfirmPayment(w.t.Context(), alice, p.ID)
	require.NoError(w.t, err)
	require.Equal(w.t, payment.Completed, paid.Payment.Status)
	return *paid.Payment
}

// send sends an event as PayPal does, and requires it to be accepted.
func (w *paypalWorld) send(e paypaltest.Event) {
	w.t.Helper()
	require.Equal(w.t, http.StatusOK, w.double.Send(w.t, w.url, e))
}

var completedAtPayPal = []string{"PaymentInitiated", "PaymentProcessing", "PaymentActionRequired", "PaymentCompleted"}

func TestARequestThatIsNotPayPalsIsRefusedAndNotStored(t *testing.T) {
	w := newPayPalWorld(t)
	p := w.pay()
	e := w.double.Last(t, p.TransactionID, "PAYMENT.CAPTURE.COMPLETED")
	with := func(name, value string) http.Header {
		header := w.double.Sign(e.Body)
		header.Set(name, value)
		return header
	}
	changed := bytes.Replace(e.Body, []byte(p.ID), []byte(id.New(id.Payment)), 1)
	require.NotEqual(t, e.Body, changed)
	large := bytes.Repeat([]byte(" "), 257<<10)
	for name, c := range map[string]struct {
		body   []byte
		header http.Header
		status int
	}{
		"no signature":        {e.Body, http.Header{}, http.StatusBadRequest},
		"another signature":   {e.Body, with("Paypal-Transmission-Sig", "bm9uc2Vuc2U="), http.StatusBadRequest},
		"another time":        {e.Body, with("Paypal-Transmission-Time", "2026-01-01T00:00:00Z"), http.StatusBadRequest},
		"no time":             {e.Body, with("Paypal-Transmission-Time", "now"), http.StatusBadRequest},
		"a header too long":   {e.Body, with("Paypal-Cert-Url", strings.Repeat("x", 501)), http.StatusBadRequest},
		"of another body":     {changed, w.double.Sign(e.Body), http.StatusBadRequest},
		"of other whitespace": {append([]byte(" "), bytes.ReplaceAll(e.Body, []byte("  "), nil)...), w.double.Sign(e.Body), http.StatusBadRequest},
		"of what is no event": {[]byte(`[1]`), w.double.Sign([]byte(`[1]`)), http.StatusBadRequest},
		"of two events":       {append(e.Body, e.Body...), w.double.Sign(e.Body), http.StatusBadRequest},
		"of what is too much": {large, w.double.Sign(large), http.StatusRequestEntityTooLarge},
	} {
		require.Equal(t, c.status, gatewaytest.SendSigned(t, w.url, c.body, c.header), name)
	}
	require.Zero(t, w.count(`SELECT count(*) FROM webhooks`))
	w.send(e)
	require.Equal(t, 1, w.count(`SELECT count(*) FROM webhooks`))
	require.Zero(t, w.count(`SELECT count(*) FROM webhooks w WHERE w::text LIKE '%tom@example.com%'`), "only ids are kept")
}

// Strangers can make PayPal be asked about their webhooks only a few times, and keep none of PayPal's own from being checked.
func TestStrangersCannotHavePayPalAskedAsOftenAsTheyLike(t *testing.T) {
	w := newPayPalWorld(t)
	p := w.pay()
	e := w.double.Last(t, p.TransactionID, "PAYMENT.CAPTURE.COMPLETED")
	asked := func() (n int) {
		for _, c := range w.double.Calls() {
			if strings.HasSuffix(c.Path, "/verify-webhook-signature") {
				n++
			}
		}
		return n
	}
	forged := w.double.Sign([]byte("another body"))
	for range 100 {
		gatewaytest.SendSigned(t, w.url, e.Body, forged)
	}
	require.Equal(t, http.StatusTooManyRequests, gatewaytest.SendSigned(t, w.url, e.Body, forged))
	require.Equal(t, 20, asked())
	require.Equal(t, http.StatusTooManyRequests, w.double.Send(t, w.url, e), "from the same address")

	w.address.Store("192.0.2.7")
	w.send(e)
	for range 100 {
		w.send(e)
	}
	require.Equal(t, 121, asked(), "a gateway's address is not limited")
}

func TestAWebhookIsSentAgainWhilePayPalCannotCheckIt(t *testing.T) {
	w := newPayPalWorld(t)
	p := w.pay()
	e := w.double.Last(t, p.TransactionID, "PAYMENT.CAPTURE.COMPLETED")
	for range 3 {
		w.double.Inject(paypaltest.Fault{On: "/verify-webhook-signature", Status: http.StatusServiceUnavailable, Code: "X"})
		require.Equal(t, http.StatusServiceUnavailable, w.double.Send(t, w.url, e))
	}
	w.double.Inject(paypaltest.Fault{On: "/verify-webhook-signature", LoseAnswer: true})
	require.Equal(t, http.StatusServiceUnavailable, w.double.Send(t, w.url, e))
	require.Zero(t, w.count(`SELECT count(*) FROM webhooks`))
	w.send(e)
	require.Equal(t, 1, w.count(`SELECT count(*) FROM webhooks`))
}

func TestACustomerWhoApprovesAtPayPalAndNeverComesBackHasPaidOnce(t *testing.T) {
	w := newPayPalWorld(t)
	p := w.begin()
	w.double.Approve(t, p.TransactionID, false)
	approved := w.double.Last(t, p.TransactionID, "CHECKOUT.ORDER.APPROVED")
	for range 3 {
		w.send(approved)
	}
	require.Equal(t, 1, w.count(`SELECT count(*) FROM webhooks`))
	w.handle()
	require.Equal(t, completedAtPayPal, w.History(t, payment.Stream(p.ID)))
	require.Contains(t, w.History(t, reservation.Stream(p.ReservationID)), "ReservationCompleted")
	before := w.logged()
	w.send(w.double.Last(t, p.TransactionID, "PAYMENT.CAPTURE.COMPLETED"))
	w.send(approved)
	w.handle()
	require.Equal(t, before, w.logged())
	require.Equal(t, map[string]int64{"EUR": 20_00}, w.double.Balances())
}

func TestACustomerWhoseCardPayPalDeclinesAfterTheyLeft(t *testing.T) {
	w := newPayPalWorld(t)
	p := w.begin()
	w.double.Approve(t, p.TransactionID, true)
	w.send(w.double.Last(t, p.TransactionID, "CHECKOUT.ORDER.APPROVED"))
	w.handle()
	require.Equal(t, []string{"PaymentInitiated", "PaymentProcessing", "PaymentActionRequired", "PaymentFailed"}, w.History(t, payment.Stream(p.ID)))
	require.Empty(t, w.double.Balances())
}

func TestPayPalsEventsOutOfOrderUndoNothing(t *testing.T) {
	w := newPayPalWorld(t)
	p := w.begin()
	w.double.Approve(t, p.TransactionID, false)
	w.double.Review(p.TransactionID, true)
	_, err := w.ConfirmPayment(t.Context(), alice, p.ID)
	require.NoError(t, err)
	w.double.Review(p.TransactionID, false) // PayPal has reviewed it
	for _, kind := range []string{"PAYMENT.CAPTURE.COMPLETED", "PAYMENT.CAPTURE.PENDING", "CHECKOUT.ORDER.APPROVED"} {
		w.send(w.double.Last(t, p.TransactionID, kind))
		w.handle()
	}
	denied := map[string]any{"id": "1", "custom_id": p.ID}
	w.send(paypaltest.NewEvent("PAYMENT.CAPTURE.DENIED", p.TransactionID, denied)) // whatever it says, PayPal is asked
	w.handle()
	history := w.History(t, payment.Stream(p.ID))
	require.Equal(t, "PaymentCompleted", history[len(history)-1])
	require.NotContains(t, history, "PaymentFailed")
}

func TestPayPalsEventsOfUnknownPaymentsChangeNothing(t *testing.T) {
	w := newPayPalWorld(t)
	before := w.logged()
	for kind, resource := range map[string]map[string]any{
		"PAYMENT.CAPTURE.COMPLETED": {"id": "1", "custom_id": "an order of another shop"},
		"PAYMENT.CAPTURE.PENDING":   {"id": "2", "custom_id": id.New(id.Payment)},
		"CHECKOUT.ORDER.APPROVED":   {"id": "3"},
		"PAYMENT.CAPTURE.REFUNDED":  {"id": "4", "links": []map[string]string{{"rel": "up", "href": "https://api.paypal.com/v2/payments/captures/5"}}},
		"CUSTOMER.DISPUTE.CREATED":  {"dispute_id": "6", "disputed_transactions": []map[string]string{{"seller_transaction_id": "7"}}},
		"CUSTOMER.DISPUTE.UPDATED":  {"dispute_id": "6"},
		"BILLING.PLAN.CREATED":      {"id": "8"},
	} {
		w.send(paypaltest.NewEvent(kind, "", resource))
	}
	w.handle()
	require.Equal(t, before, w.logged())
	require.Equal(t, 5, w.count(`SELECT count(*) FROM webhooks WHERE result = 'unknown'`), "an event that is not about a payment is not even stored")
	require.Equal(t, 5, w.count(`SELECT count(*) FROM webhooks`))
}

func TestPayPalsEventBeforeOurOwnCallReturned(t *testing.T) {
	w := newPayPalWorld(t)
	p := w.begin()
	w.double.Approve(t, p.TransactionID, false)
	done, release := w.double.HoldAnswer("/capture")
	returned := make(chan error, 1)
	go func() {
		_, err := w.ConfirmPayment(t.Context(), alice, p.ID)
		returned <- err
	}()
	<-done
	w.send(w.double.Last(t, p.TransactionID, "PAYMENT.CAPTURE.COMPLETED"))
	w.handle()
	require.Equal(t, completedAtPayPal, w.History(t, payment.Stream(p.ID)), "the webhook was faster")
	release()
	require.NoError(t, <-returned)
	require.Equal(t, completedAtPayPal, w.History(t, payment.Stream(p.ID)))
}

func TestRefundsOfPayPalsDashboardAreRecorded(t *testing.T) {
	w := newPayPalWorld(t)
	p := w.pay()
	w.double.RefundInDashboard(p.TransactionID, "5.00")
	part := w.double.Last(t, p.TransactionID, "PAYMENT.CAPTURE.REFUNDED")
	w.send(part)
	w.handle()
	require.Equal(t, append(completedAtPayPal, "RefundReported", "PaymentRefunded"), w.History(t, payment.Stream(p.ID)))
	require.NotContains(t, w.History(t, reservation.Stream(p.ReservationID)), "ReservationRefunded")

	w.double.RefundInDashboard(p.TransactionID, "15.00")
	w.send(w.double.Last(t, p.TransactionID, "PAYMENT.CAPTURE.REFUNDED"))
	w.send(part) // days late
	w.handle()
	require.Equal(t, append(completedAtPayPal, "RefundReported", "PaymentRefunded", "RefundReported", "PaymentRefunded"), w.History(t, payment.Stream(p.ID)))
	require.Contains(t, w.History(t, reservation.Stream(p.ReservationID)), "ReservationRefunded")
	require.Zero(t, w.count(`SELECT count(*) FROM domain_events WHERE type = 'RefundRequested'`), "they are not made a second time")
}

func TestPayPalMayReportARefundOfOurs(t *testing.T) {
	w := newPayPalWorld(t)
	p := w.pay()
	refunding, err := w.RefundPayment(t.Context(), organizer, command.RefundPayment{PaymentID: p.ID})
	require.NoError(t, err)
	done, release := w.double.HoldAnswer("/refund")
	executed := make(chan error, 1)
	go func() { executed <- w.ExecuteRefund(t.Context(), organizer, p.ID, refunding.Refund.ID) }()
	<-done
	w.send(w.double.Last(t, p.TransactionID, "PAYMENT.CAPTURE.REFUNDED"))
	w.handle()
	refunded := slices.Concat(completedAtPayPal, []string{"RefundRequested", "PaymentRefunded"})
	require.Equal(t, refunded, w.History(t, payment.Stream(p.ID)), "the webhook was faster")
	release()
	require.NoError(t, <-executed)
	require.Equal(t, refunded, w.History(t, payment.Stream(p.ID)))
	require.Equal(t, map[string]int64{"EUR": 0}, w.double.Balances())
}

func TestPayPalsDisputesAreRecorded(t *testing.T) {
	w := newPayPalWorld(t)
	won, lost := w.pay(), w.pay()
	for p, outcome := range map[*command.Payment]string{&won: "RESOLVED_SELLER_FAVOUR", &lost: "RESOLVED_BUYER_FAVOUR"} {
		w.double.Dispute(p.TransactionID, "CHARGEBACK", "")
		opened := w.double.Last(t, p.TransactionID, "CUSTOMER.DISPUTE.CREATED")
		w.send(opened)
		w.handle()
		require.Equal(t, append(completedAtPayPal, "PaymentDisputed"), w.History(t, payment.Stream(p.ID)))
		_, err := w.RefundPayment(t.Context(), organizer, command.RefundPayment{PaymentID: p.ID})
		rejected, _ := rejection.As(err)
		require.NotNil(t, rejected, "PayPal holds the money")
		require.Equal(t, rejection.InvalidState, rejected.Code)

		w.double.CloseDispute(p.TransactionID, outcome)
		w.send(w.double.Last(t, p.TransactionID, "CUSTOMER.DISPUTE.RESOLVED"))
		w.send(opened)
		w.handle()
		require.Equal(t, append(completedAtPayPal, "PaymentDisputed", "DisputeClosed"), w.History(t, payment.Stream(p.ID)))
	}
}
