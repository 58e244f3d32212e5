package test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/gateway/paypal/paypaltest"
	"ticketing/internal/testenv"
)

func TestAPurchaseWithPayPal(t *testing.T) {
	t.Parallel()
	s := start(t)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 10, nil)
	bought, left := requireOK(t, alice.reserve(id, item("Floor", 1))).Reservation, requireOK(t, alice.reserve(id, item("Floor", 1))).Reservation

	paying := key()
	for range 2 { // a retry is sent to the same page
		begun := requireOK(t, alice.payWithPayPal(paying, bought.ID))
		require.Equal(t, "REQUIRES_ACTION", begun.Payment.Status)
		require.Equal(t, "PAYMENT_PENDING", begun.Reservation.Status)
		require.Nil(t, begun.Payment.NextAction.ClientSecret)
		require.Equal(t, "http://localhost/paid", *begun.Payment.NextAction.RedirectURL, "the sandbox has no page of its own")
	}
	requireRejected(t, alice.payWithPayPal(key(), bought.ID), "PAYMENT_IN_PROGRESS")
	paid := requireOK(t, alice.confirm(requireOK(t, alice.payWithPayPal(paying, bought.ID)).Payment.ID))
	require.Equal(t, "COMPLETED", paid.Payment.Status)
	require.Equal(t, "COMPLETED", paid.Reservation.Status)

	never := requireOK(t, alice.payWithPayPal(key(), left.ID)).Payment
	s.clock.advance(2*hold + time.Second)
	awaitStatus(t, alice, left.ID, "EXPIRED")
	require.Equal(t, "FAILED", alice.payment(never.ID, 0).Status, "nobody approved it in time")
}

// startWithPayPal runs a system whose customers pay through PayPal's double. It sends no webhooks yet.
func startWithPayPal(t *testing.T) (*system, *paypaltest.Server) {
	t.Helper()
	double := paypaltest.New(t)
	env := environment(t)
	env["PAYMENT_GATEWAYS"], env["PAYPAL_API_BASE"], env["PAYPAL_WEBHOOK_ID"] = "sandbox,paypal", double.URL, paypaltest.WebhookID
	env["PAYPAL_CLIENT_ID"], env["PAYPAL_CLIENT_SECRET"] = paypaltest.ClientID, paypaltest.ClientSecret
	return startIn(t, env), double
}

func TestAPurchaseAtPayPalAndBack(t *testing.T) {
	t.Parallel()
	s, double := startWithPayPal(t)
	organizer, alice := s.admin(), s.customer("alice")
	id := onSale(t, organizer, 10, nil)
	bought, left := requireOK(t, alice.reserve(id, item("Floor", 2))).Reservation, requireOK(t, alice.reserve(id, item("Floor", 1))).Reservation

	begun := requireOK(t, alice.payWithPayPal(key(), bought.ID)).Payment
	require.Equal(t, "paypal", begun.Gateway)
	require.Equal(t, "REQUIRES_ACTION", requireOK(t, alice.confirm(begun.ID)).Payment.Status, "nothing was approved yet")
	double.Approve(t, *begun.NextAction.RedirectURL, false)
	paid := requireOK(t, alice.confirm(begun.ID))
	require.Equal(t, "COMPLETED", paid.Payment.Status)
	require.Equal(t, "COMPLETED", paid.Reservation.Status)

	abandoned := requireOK(t, alice.payWithPayPal(key(), left.ID)).Payment
	s.clock.advance(2*hold + time.Second)
	awaitStatus(t, alice, left.ID, "EXPIRED")
	double.Approve(t, *abandoned.NextAction.RedirectURL, false) // too late: it was given up at PayPal

	requireOK(t, organizer.mutate("cancelEvent", "CancelEventInput", "event { id }", vars{"eventId": id}))
	awaitStatus(t, alice, bought.ID, "REFUNDED")
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		p := alice.payment(begun.ID, 0)
		return p.Status == "REFUNDED" && p.Refunded.Amount == "40.00", p.Status
	})
	require.Equal(t, map[string]int64{"EUR": 0}, double.Balances(), "nothing of the money is left at PayPal, and nothing more was taken")
}

func TestACustomerWhoNeverComesBackFromPayPalHasTheTickets(t *testing.T) {
	t.Parallel()
	s, double := startWithPayPal(t)
	double.SendTo(s.url + "/webhooks/paypal")
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 10, nil)
	r := requireOK(t, alice.reserve(id, item("Floor", 2))).Reservation
	p := requireOK(t, alice.payWithPayPal(key(), r.ID)).Payment
	double.Approve(t, *p.NextAction.RedirectURL, false)
	awaitStatus(t, alice, r.ID, "COMPLETED")
	require.Equal(t, map[string]int64{"EUR": 40_00}, double.Balances())

	double.RefundInDashboard(*p.TransactionID, "15.00")
	awaitPayment(t, alice, p.ID, hasStatus("PARTIALLY_REFUNDED"))
	require.Equal(t, "COMPLETED", alice.reservation(r.ID, 0).Status)
	double.RefundInDashboard(*p.TransactionID, "25.00")
	awaitStatus(t, alice, r.ID, "REFUNDED")
	awaitPayment(t, alice, p.ID, hasStatus("REFUNDED"))
}
