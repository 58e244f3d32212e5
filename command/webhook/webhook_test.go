package webhook_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/gateway"
	"ticketing/command/gateway/stripe/stripetest"
	"ticketing/command/payment"
	"ticketing/command/rejection"
	"ticketing/command/reservation"
	"ticketing/command/webhook"
	"ticketing/internal/id"
	"ticketing/internal/money"
)

var completed = []string{"PaymentInitiated", "PaymentProcessing", "PaymentCompleted"}

func TestARequestThatIsNotStripesIsRefusedAndNotStored(t *testing.T) {
	w := newWorld(t)
	p := w.mustPay("pm_card_visa")
	e := w.last(p.TransactionID, "payment_intent.succeeded")
	now := time.Now()
	changed := bytes.Replace(e.Body, []byte(p.ID), []byte(id.New(id.Payment)), 1)
	require.NotEqual(t, e.Body, changed)
	for name, c := range map[string]struct {
		body      []byte
		signature string
		status    int
	}{
		"no signature":        {e.Body, "", http.StatusBadRequest},
		"no such scheme":      {e.Body, "t=1,v0=00", http.StatusBadRequest},
		"nonsense":            {e.Body, "x", http.StatusBadRequest},
		"of another body":     {changed, stripetest.Sign(e.Body, now), http.StatusBadRequest},
		"of long ago":         {e.Body, stripetest.Sign(e.Body, now.Add(-6*time.Minute)), http.StatusBadRequest},
		"of another secret":   {e.Body, strings.Replace(stripetest.Sign(e.Body, now), "v1=", "v1=0", 1), http.StatusBadRequest},
		"of what is no event": {[]byte(`[1]`), stripetest.Sign([]byte(`[1]`), now), http.StatusBadRequest},
		"of what is too much": {bytes.Repeat([]byte(" "), 257<<10), stripetest.Sign(bytes.Repeat([]byte(" "), 257<<10), now), http.StatusRequestEntityTooLarge},
	} {
		require.Equal(t, c.status, stripetest.SendSigned(t, w.url, c.body, c.signature), name)
	}
	require.Zero(t, w.count(`SELECT count(*) FROM webhooks`))
	require.Equal(t, http.StatusOK, stripetest.SendSigned(t, w.url, e.Body, stripetest.Sign(e.Body, now.Add(-4*time.Minute))), "within the tolerance")
	require.Equal(t, 1, w.count(`SELECT count(*) FROM webhooks`))
}

func TestNothingPersonalIsStored(t *testing.T) {
	w := newWorld(t)
	p := w.mustPay("pm_card_visa")
	w.double.RefundInDashboard(t, p.TransactionID, 100)
	e := w.last(p.TransactionID, "charge.refunded")
	require.Contains(t, string(e.Body), "card.holder@example.com")
	w.send(e)
	require.Zero(t, w.count(`SELECT count(*) FROM webhooks w WHERE w::text LIKE '%card.holder%' OR w::text LIKE '%Card Holder%'`))
}

func TestAnEventIsStoredOnceAndAppliedOnce(t *testing.T) {
	w := newWorld(t)
	p := w.mustPay("pm_card_authenticationRequired")
	w.authenticate(p)
	e := w.last(p.TransactionID, "payment_intent.succeeded")
	for range 3 {
		w.send(e)
	}
	require.Equal(t, 1, w.count(`SELECT count(*) FROM webhooks`))
	w.handle()
	require.Equal(t, []string{"PaymentInitiated", "PaymentProcessing", "PaymentActionRequired", "PaymentCompleted"}, w.History(t, payment.Stream(p.ID)))
	w.send(e)
	before := w.logged()
	w.handle()
	require.Equal(t, before, w.logged())
	require.Equal(t, 1, w.count(`SELECT count(*) FROM webhooks WHERE result = 'handled'`))
}

// authenticate passes 3D Secure as a customer who never comes back to the shop.
func (w *world) authenticate(p command.Payment) {
	w.t.Helper()
	w.double.AuthenticateTransaction(w.t, p.TransactionID)
}

func TestEventsOutOfOrderUndoNothing(t *testing.T) {
	w := newWorld(t)
	p := w.mustPay("pm_card_authenticationRequired")
	w.authenticate(p)
	events := w.double.Events(p.TransactionID)
	require.GreaterOrEqual(t, len(events), 3)
	for i := len(events) - 1; i >= 0; i-- {
		w.send(events[i])
		w.handle()
	}
	failed := stripetest.NewEvent("payment_intent.payment_failed", map[string]any{"id": p.TransactionID, "metadata": map[string]any{"payment_id": p.ID}})
	w.send(failed) // whatever it says, Stripe is asked
	w.handle()
	require.Equal(t, []string{"PaymentInitiated", "PaymentProcessing", "PaymentActionRequired", "PaymentCompleted"}, w.History(t, payment.Stream(p.ID)))
}

func TestEventsOfUnknownPaymentsChangeNothing(t *testing.T) {
	w := newWorld(t)
	before := w.logged()
	for _, data := range []map[string]any{
		{"id": "pi_other", "metadata": map[string]any{}}, // of something else that is sold through the same account
		{"id": "pi_other", "metadata": map[string]any{"payment_id": id.New(id.Payment)}},
	} {
		w.send(stripetest.NewEvent("payment_intent.succeeded", data))
	}
	w.send(stripetest.NewEvent("charge.dispute.created", map[string]any{"id": "dp_1", "payment_intent": "pi_other"}))
	require.Equal(t, http.StatusOK, w.double.Send(t, w.url, stripetest.NewEvent("customer.created", map[string]any{"id": "cus_1"})))
	w.handle()
	require.Equal(t, before, w.logged())
	require.Equal(t, 3, w.count(`SELECT count(*) FROM webhooks WHERE result = 'unknown'`), "an event that is not about a payment is not even stored")
}

func TestAnEventBeforeOurOwnCallReturned(t *testing.T) {
	w := newWorld(t)
	done, release := w.double.HoldAnswer("/confirm")
	type outcome struct {
		paid command.Paid
		err  error
	}
	returned := make(chan outcome, 1)
	go func() {
		paid, err := w.pay("pm_card_visa")
		returned <- outcome{paid, err}
	}()
	<-done
	at := w.double.Payments()[0]
	w.send(w.last(at.TransactionID, "payment_intent.created"))
	w.send(w.last(at.TransactionID, "payment_intent.succeeded"))
	w.handle()
	require.Equal(t, completed, w.History(t, payment.Stream(at.PaymentID)), "the webhook was faster")
	release()
	got := <-returned
	require.NoError(t, got.err)
	require.Equal(t, payment.Completed, got.paid.Payment.Status)
	require.Equal(t, reservation.Completed, got.paid.Reservation.Status)
	require.Equal(t, completed, w.History(t, payment.Stream(at.PaymentID)))
}

func TestAnEventBeforeOurCallWasSentDoesNotGiveThePaymentUp(t *testing.T) {
	w := newWorld(t)
	arrived, release := w.double.Hold("/confirm")
	returned := make(chan error, 1)
	go func() {
		_, err := w.pay("pm_card_visa")
		returned <- err
	}()
	<-arrived
	at := w.double.Payments()[0]
	w.send(w.last(at.TransactionID, "payment_intent.created"))
	w.handle()
	release()
	require.NoError(t, <-returned)
	require.Equal(t, completed, w.History(t, payment.Stream(at.PaymentID)))
}

func TestAPaymentThatFailsLater(t *testing.T) {
	w := newWorld(t)
	p := w.mustPay("pm_card_processingThenDeclined")
	require.Equal(t, payment.Processing, p.Status)
	w.double.Settle(t, p.TransactionID)
	w.send(w.last(p.TransactionID, "payment_intent.payment_failed"))
	w.handle()
	require.Equal(t, []string{"PaymentInitiated", "PaymentProcessing", "PaymentFailed"}, w.History(t, payment.Stream(p.ID)))
	require.Equal(t, []string{"ReservationInitiated", "PaymentRequested", "ReservationCompensated"}, w.History(t, reservation.Stream(p.ReservationID)))
}

func TestWhatFailsIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	p := w.mustPay("pm_card_authenticationRequired")
	w.authenticate(p)
	w.double.Inject(stripetest.Fault{On: "GET /v1/payment_intents/", Status: http.StatusInternalServerError})
	w.send(w.last(p.TransactionID, "payment_intent.succeeded"))
	w.handle()
	require.Equal(t, 2, w.count(`SELECT attempt FROM river_job`))
	require.Contains(t, w.History(t, payment.Stream(p.ID)), "PaymentCompleted")
}

func TestRefundsOfTheDashboardAreRecorded(t *testing.T) {
	w := newWorld(t)
	p := w.mustPay("pm_card_visa")
	w.double.RefundInDashboard(t, p.TransactionID, 5_00)
	part := w.last(p.TransactionID, "charge.refunded")
	w.send(part)
	w.send(w.last(p.TransactionID, "refund.created")) // both are about the same
	w.handle()
	require.Equal(t, append(completed, "RefundReported", "PaymentRefunded"), w.History(t, payment.Stream(p.ID)))
	require.NotContains(t, w.History(t, reservation.Stream(p.ReservationID)), "ReservationRefunded")

	left := money.Money{Minor: 15_01, Currency: "EUR"}
	_, err := w.RefundPayment(t.Context(), organizer, command.RefundPayment{PaymentID: p.ID, Amount: &left})
	rejected, _ := rejection.As(err)
	require.NotNil(t, rejected)
	require.Equal(t, rejection.Invalid, rejected.Code, "what went back there cannot go back here too")

	w.double.RefundInDashboard(t, p.TransactionID, 15_00)
	w.send(w.last(p.TransactionID, "charge.refunded"))
	w.send(part) // days late
	w.handle()
	require.Contains(t, w.History(t, reservation.Stream(p.ReservationID)), "ReservationRefunded")
	require.Equal(t, append(completed, "RefundReported", "PaymentRefunded", "RefundReported", "PaymentRefunded"), w.History(t, payment.Stream(p.ID)))
	require.Zero(t, w.double.Balance())
	require.Zero(t, w.count(`SELECT count(*) FROM domain_events WHERE type = 'RefundRequested'`), "they are not made a second time")
}

func TestAWebhookMayReportARefundOfOurs(t *testing.T) {
	w := newWorld(t)
	p := w.mustPay("pm_card_pendingRefund")
	refunding, err := w.RefundPayment(t.Context(), organizer, command.RefundPayment{PaymentID: p.ID})
	require.NoError(t, err)
	require.ErrorIs(t, w.ExecuteRefund(t.Context(), organizer, p.ID, refunding.Refund.ID), command.ErrRefundPending)
	w.send(w.last(p.TransactionID, "refund.created"))
	w.handle()
	require.Equal(t, append(completed, "RefundRequested"), w.History(t, payment.Stream(p.ID)), "it is pending, and known")
	w.double.SettleRefunds(t, p.TransactionID, "succeeded")
	w.send(w.last(p.TransactionID, "charge.refund.updated"))
	w.handle()
	require.Equal(t, append(completed, "RefundRequested", "PaymentRefunded"), w.History(t, payment.Stream(p.ID)))
	require.Contains(t, w.History(t, reservation.Stream(p.ReservationID)), "ReservationRefunded")
}

// The bank of a closed account sends the money back days later.
func TestARefundThatComesBackIsPaidAgainAndCanBeRefundedAnew(t *testing.T) {
	w := newWorld(t)
	p := w.mustPay("pm_card_visa")
	refunding, err := w.RefundPayment(t.Context(), organizer, command.RefundPayment{PaymentID: p.ID})
	require.NoError(t, err)
	require.NoError(t, w.ExecuteRefund(t.Context(), organizer, p.ID, refunding.Refund.ID))
	refunded := slices.Concat(completed, []string{"RefundRequested", "PaymentRefunded"})
	require.Equal(t, refunded, w.History(t, payment.Stream(p.ID)))

	w.double.SendRefundsBack(t, p.TransactionID)
	for range 2 {
		w.send(w.last(p.TransactionID, "refund.failed"))
		w.handle()
	}
	require.Equal(t, append(refunded, "RefundSentBack"), w.History(t, payment.Stream(p.ID)))
	purchase, err := w.PurchaseOfPayment(t.Context(), p.ID)
	require.NoError(t, err)
	require.Equal(t, payment.Completed, purchase.Payment.Status)
	require.Equal(t, reservation.Refunded, purchase.Reservation.Status, "the seats may be another customer's by now")

	again, err := w.RetryRefund(t.Context(), organizer, command.RetryRefund{PaymentID: p.ID, RefundID: refunding.Refund.ID})
	require.NoError(t, err)
	require.Equal(t, payment.RefundPending, again.Refund.Status)
	require.NoError(t, w.ExecuteRefund(t.Context(), organizer, p.ID, refunding.Refund.ID))
	w.send(w.last(p.TransactionID, "refund.created"))
	w.handle()
	require.Equal(t, append(refunded, "RefundSentBack", "RefundRetried", "PaymentRefunded"), w.History(t, payment.Stream(p.ID)))
	require.Zero(t, w.double.Balance())
}

func TestARefundOfTheDashboardThatComesBack(t *testing.T) {
	w := newWorld(t)
	p := w.mustPay("pm_card_visa")
	w.double.RefundInDashboard(t, p.TransactionID, 5_00)
	w.send(w.last(p.TransactionID, "charge.refunded"))
	w.handle()
	w.double.SendRefundsBack(t, p.TransactionID)
	w.double.RefundInDashboard(t, p.TransactionID, 20_00) // there is room for it only once the first one is known to have come back
	w.send(w.last(p.TransactionID, "charge.refunded"))
	w.handle()
	require.Equal(t, append(completed, "RefundReported", "PaymentRefunded", "RefundSentBack", "RefundReported", "PaymentRefunded"),
		w.History(t, payment.Stream(p.ID)))
}

// A restore takes the log back to a moment before the refunds were requested.
func TestRefundsThatARestoreLostAreRecorded(t *testing.T) {
	for name, learn := range map[string]func(w *world, p command.Payment){
		"from a webhook": func(w *world, p command.Payment) {
			w.send(w.last(p.TransactionID, "charge.refunded"))
			w.handle()
		},
		"from a refund that is refused": func(w *world, p command.Payment) {
			refunding, err := w.RefundPayment(w.t.Context(), organizer, command.RefundPayment{PaymentID: p.ID})
			require.NoError(w.t, err)
			require.NoError(w.t, w.ExecuteRefund(w.t.Context(), organizer, p.ID, refunding.Refund.ID))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := w.mustPay("pm_card_visa")
			for _, minor := range []int64{15_00, 5_00} {
				_, err := w.gateway.Refund(t.Context(), gateway.Refund{ID: id.New(id.Refund), TransactionID: p.TransactionID, Amount: money.Money{Minor: minor, Currency: "EUR"}})
				require.NoError(t, err)
			}
			learn(w, p)
			learned, err := w.PurchaseOfPayment(t.Context(), p.ID)
			require.NoError(t, err)
			require.Equal(t, payment.Refunded, learned.Payment.Status)
			require.Equal(t, reservation.Refunded, learned.Reservation.Status)
			require.Zero(t, w.double.Balance())
			before := w.logged()
			w.send(w.last(p.TransactionID, "refund.created"))
			w.handle()
			require.Equal(t, before, w.logged(), "each is recorded once")
		})
	}
}

// failing is a service that can't record one of two reversals.
type failing struct{}

func (failing) RecordWebhook(context.Context, command.Caller, command.Hint) error {
	return errors.Join(rejection.New(rejection.NotFound, "there is no such refund"), errors.New("the other one"))
}

func TestAReversalThatIsNotFoundHidesNoOther(t *testing.T) {
	w := newWorld(t)
	p := w.mustPay("pm_card_visa")
	w.send(w.last(p.TransactionID, "payment_intent.succeeded"))
	handler, err := webhook.NewHandler(webhook.HandlerConfig{Pool: w.Pool, Service: failing{}})
	require.NoError(t, err)
	stored := webhook.Job{Gateway: "stripe", EventID: w.last(p.TransactionID, "payment_intent.succeeded").ID}
	require.ErrorContains(t, handler.Handle(t.Context(), stored), "the other one")
	require.Equal(t, 1, w.count(`SELECT count(*) FROM webhooks WHERE handled_at IS NULL`), "it is tried again")
}

func TestDisputesAreRecorded(t *testing.T) {
	w := newWorld(t)
	won, lost := w.mustPay("pm_card_visa"), w.mustPay("pm_card_visa")
	for p, outcome := range map[*command.Payment]string{&won: "won", &lost: "lost"} {
		w.double.Dispute(t, p.TransactionID)
		opened := w.last(p.TransactionID, "charge.dispute.created")
		w.send(opened)
		w.handle()
		require.Equal(t, append(completed, "PaymentDisputed"), w.History(t, payment.Stream(p.ID)))
		_, err := w.RefundPayment(t.Context(), organizer, command.RefundPayment{PaymentID: p.ID})
		rejected, _ := rejection.As(err)
		require.NotNil(t, rejected, "the bank holds the money")
		require.Equal(t, rejection.InvalidState, rejected.Code)

		w.double.CloseDispute(t, p.TransactionID, outcome)
		w.send(w.last(p.TransactionID, "charge.dispute.closed"))
		w.send(opened)
		w.handle()
		require.Equal(t, append(completed, "PaymentDisputed", "DisputeClosed"), w.History(t, payment.Stream(p.ID)))
		_, err = w.RefundPayment(t.Context(), organizer, command.RefundPayment{PaymentID: p.ID})
		require.Equal(t, outcome == "won", err == nil, "%v", err)
	}
}

// The customer gets no refund while their bank holds the money, and gets it once the dispute is won.
func TestADisputeThatIsWonAfterTheEventWasCancelled(t *testing.T) {
	w := newWorld(t)
	p := w.mustPay("pm_card_visa")
	w.double.Dispute(t, p.TransactionID)
	w.send(w.last(p.TransactionID, "charge.dispute.created"))
	w.handle()
	_, err := w.CancelEvent(t.Context(), organizer, w.eventID, "rain")
	require.NoError(t, err)
	require.NoError(t, w.WindUpEvent(t.Context(), organizer, w.eventID, command.AllVersions))
	require.NotContains(t, w.History(t, payment.Stream(p.ID)), "RefundRequested")
	w.double.CloseDispute(t, p.TransactionID, "won")
	w.send(w.last(p.TransactionID, "charge.dispute.closed"))
	w.handle()
	require.Equal(t, append(completed, "PaymentDisputed", "DisputeClosed", "RefundRequested"), w.History(t, payment.Stream(p.ID)))
}

func TestWebhooksAreForgottenAfterThirtyDays(t *testing.T) {
	w := newWorld(t)
	p := w.mustPay("pm_card_visa")
	w.send(w.last(p.TransactionID, "payment_intent.created"))
	w.send(w.last(p.TransactionID, "payment_intent.succeeded"))
	_, err := w.Pool.Exec(t.Context(), `UPDATE webhooks SET received_at = now() - interval '31 days' WHERE type = 'payment_intent.created'`)
	require.NoError(t, err)
	require.NoError(t, w.handler().Forget(t.Context()))
	require.Equal(t, 1, w.count(`SELECT count(*) FROM webhooks`))
	require.Equal(t, 1, w.count(`SELECT count(*) FROM webhooks WHERE type = 'payment_intent.succeeded'`))
	forgotten := webhook.Job{Gateway: w.source.Name(), EventID: "evt_forgotten"}
	require.NoError(t, w.handler().Handle(t.Context(), forgotten), "a job that runs later finds nothing to do")
}

// A webhook without a job would never be handled, so the gateway has to send it again.
func TestAWebhookWithoutItsJobIsNotStored(t *testing.T) {
	w := newWorld(t)
	p := w.mustPay("pm_card_visa")
	e := w.last(p.TransactionID, "payment_intent.succeeded")
	_, err := w.Pool.Exec(t.Context(), `ALTER TABLE river_job ADD CONSTRAINT no_room CHECK (kind <> 'webhook')`)
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, w.double.Send(t, w.url, e))
	require.Zero(t, w.count(`SELECT count(*) FROM webhooks`))
	_, err = w.Pool.Exec(t.Context(), `ALTER TABLE river_job DROP CONSTRAINT no_room`)
	require.NoError(t, err)
	w.send(e)
	require.Equal(t, 1, w.count(`SELECT count(*) FROM webhooks`))
	w.handle()
}
