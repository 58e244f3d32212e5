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
	s := startSystem(t)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 10, nil)
	bought, left := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation, requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation

	paying := newKey()
	for range 2 { // a retry returns the same page
		begun := requireAccepted(t, alice.payWithPayPal(paying, bought.ID))
		require.Equal(t, "REQUIRES_ACTION", begun.Payment.Status)
		require.Equal(t, "PAYMENT_PENDING", begun.Reservation.Status)
		require.Nil(t, begun.Payment.NextAction.ClientSecret)
		require.Equal(t, "http://localhost/paid", *begun.Payment.NextAction.RedirectURL, "the sandbox has no page of its own")
	}
	paid := requireAccepted(t, alice.confirmPayment(requireAccepted(t, alice.payWithPayPal(paying, bought.ID)).Payment.ID))
	require.Equal(t, "COMPLETED", paid.Payment.Status)
	require.Equal(t, "COMPLETED", paid.Reservation.Status)

	never := requireAccepted(t, alice.payWithPayPal(newKey(), left.ID)).Payment
	s.clock.Move(2*holdDuration + time.Second)
	awaitStatus(t, alice, left.ID, "EXPIRED")
	require.Equal(t, "FAILED", alice.readPayment(never.ID, 0).Status, "it was not approved in time")
}

// withPayPal makes PayPal's double a gateway of an environment.
func withPayPal(env map[string]string, double *paypaltest.Server) map[string]string {
	env["PAYMENT_GATEWAYS"], env["PAYPAL_API_BASE"], env["PAYPAL_WEBHOOK_ID"] = "sandbox,paypal", double.URL, paypaltest.WebhookID
	env["PAYPAL_CLIENT_ID"], env["PAYPAL_CLIENT_SECRET"] = paypaltest.ClientID, paypaltest.ClientSecret
	return env
}

// startWithPayPal runs a system whose customers pay through PayPal's double. It sends no webhooks yet.
func startWithPayPal(t *testing.T) (*system, *paypaltest.Server) {
	t.Helper()
	double := paypaltest.New(t)
	return startSystemIn(t, withPayPal(newEnvironment(t), double)), double
}

func TestAPurchaseWithApprovalAtPayPal(t *testing.T) {
	t.Parallel()
	s, double := startWithPayPal(t)
	organizer, alice := s.admin(), s.customer("alice")
	id := onSale(t, organizer, 10, nil)
	bought, left := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 2))).Reservation, requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation

	begun := requireAccepted(t, alice.payWithPayPal(newKey(), bought.ID)).Payment
	require.Equal(t, "paypal", begun.Gateway)
	require.Equal(t, "REQUIRES_ACTION", requireAccepted(t, alice.confirmPayment(begun.ID)).Payment.Status, "nothing was approved yet")
	double.Approve(t, *begun.NextAction.RedirectURL, false)
	paid := requireAccepted(t, alice.confirmPayment(begun.ID))
	require.Equal(t, "COMPLETED", paid.Payment.Status)
	require.Equal(t, "COMPLETED", paid.Reservation.Status)

	abandoned := requireAccepted(t, alice.payWithPayPal(newKey(), left.ID)).Payment
	s.clock.Move(2*holdDuration + time.Second)
	awaitStatus(t, alice, left.ID, "EXPIRED")
	double.Approve(t, *abandoned.NextAction.RedirectURL, false) // too late: the order was voided at PayPal

	requireAccepted(t, organizer.executeMutation("cancelEvent", "CancelEventInput", "event { id }", vars{"eventId": id}))
	awaitStatus(t, alice, bought.ID, "REFUNDED")
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		p := alice.readPayment(begun.ID, 0)
		return p.Status == "REFUNDED" && p.Refunded.Amount == "40.00", p.Status
	})
	require.Equal(t, map[string]int64{"EUR": 0}, double.Balances(), "nothing of the money is left at PayPal, and nothing more was taken")
}

func TestAPayPalPaymentIsCapturedWithoutTheCustomersReturn(t *testing.T) {
	t.Parallel()
	s, double := startWithPayPal(t)
	double.SendTo(s.url + "/webhooks/paypal")
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 10, nil)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 2))).Reservation
	p := requireAccepted(t, alice.payWithPayPal(newKey(), r.ID)).Payment
	double.Approve(t, *p.NextAction.RedirectURL, false)
	awaitStatus(t, alice, r.ID, "COMPLETED")
	require.Equal(t, map[string]int64{"EUR": 40_00}, double.Balances())

	double.RefundInDashboard(*p.TransactionID, "15.00")
	awaitPayment(t, alice, p.ID, hasStatus("PARTIALLY_REFUNDED"))
	require.Equal(t, "COMPLETED", alice.readReservation(r.ID, 0).Status)
	double.RefundInDashboard(*p.TransactionID, "25.00")
	awaitStatus(t, alice, r.ID, "REFUNDED")
	awaitPayment(t, alice, p.ID, hasStatus("REFUNDED"))
}
