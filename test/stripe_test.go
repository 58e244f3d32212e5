package test

import (
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/gateway/stripe/stripetest"
	"ticketing/internal/testenv"
)

// withStripe makes Stripe's double the gateway of an environment.
func withStripe(env map[string]string, double *stripetest.Server) map[string]string {
	maps.Copy(env, map[string]string{
		"PAYMENT_GATEWAYS": "stripe", "STRIPE_API_KEY": stripetest.APIKey, "STRIPE_WEBHOOK_SECRET": "whsec_theNextOneWhileItIsRotated," + stripetest.WebhookSecret,
		"STRIPE_API_BASE": double.URL, "PAYMENT_TIMEOUT": "2s",
	})
	return env
}

// startWithStripe runs a system whose customers pay through Stripe's double, which sends its webhooks.
func startWithStripe(t testing.TB) (*system, *stripetest.Server) {
	t.Helper()
	double := stripetest.New(t)
	s := startSystemIn(t, withStripe(newEnvironment(t), double))
	double.SendTo(s.url + "/webhooks/stripe")
	return s, double
}

// awaitMoney waits until Stripe has exactly the money of completed reservations, and no reservation waits for a payment.
func awaitMoney(t testing.TB, readURL string, double *stripetest.Server) {
	t.Helper()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		due := queryCount(t, readURL, `SELECT coalesce(sum(r.total - p.refunded), 0)::bigint FROM reservations r
			JOIN payments p ON p.reservation_id = r.id AND p.completed_at IS NOT NULL WHERE r.status = 'COMPLETED'`)
		open := queryCount(t, readURL, `SELECT count(*) FROM reservations WHERE status = 'PAYMENT_PENDING'`)
		kept := double.Balance()
		return kept == int64(due) && open == 0, fmt.Sprintf("Stripe has %d, reservations have paid %d, %d wait for a payment", kept, due, open)
	})
}

func TestA3DSecurePaymentCompletesWithoutTheCustomersReturn(t *testing.T) {
	t.Parallel()
	s, double := startWithStripe(t)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 10, nil)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	waiting := requireAccepted(t, alice.payByCard(r.ID, "pm_card_authenticationRequired"))
	require.Equal(t, "stripe", waiting.Payment.Gateway)
	double.Authenticate(t, *waiting.Payment.NextAction.ClientSecret)
	awaitStatus(t, alice, r.ID, "COMPLETED")
	awaitMoney(t, s.cfg.ReadURL, double)
}

func TestAbandoned3DSecureIsCancelledAtStripe(t *testing.T) {
	t.Parallel()
	s, double := startWithStripe(t)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 1, nil)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	waiting := requireAccepted(t, alice.payByCard(r.ID, "pm_card_authenticationRequired"))
	require.Equal(t, r.ExpiresAt.Add(holdDuration), waiting.Reservation.ExpiresAt, "the hold is extended once")
	s.clock.Move(2*holdDuration + time.Second)
	awaitStatus(t, alice, r.ID, "EXPIRED")
	require.Equal(t, "canceled", double.Payments()[0].Status)

	// The bank confirms after all: the seat is still available and is sold.
	double.PayAfterAll(t, *waiting.Payment.TransactionID)
	awaitStatus(t, alice, r.ID, "COMPLETED")
	awaitSections(t, alice, id, map[string][3]int{"Floor": {0, 0, 1}})
	awaitMoney(t, s.cfg.ReadURL, double)
}

func TestAPaymentAfterTheSeatsWereSoldAgainIsRefunded(t *testing.T) {
	t.Parallel()
	s, double := startWithStripe(t)
	alice, bob := s.customer("alice"), s.customer("bob")
	id := onSale(t, s.admin(), 1, nil)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	waiting := requireAccepted(t, alice.payByCard(r.ID, "pm_card_authenticationRequired"))
	s.clock.Move(2*holdDuration + time.Second)
	awaitStatus(t, alice, r.ID, "EXPIRED")
	requireAccepted(t, bob.reserveSeats(id, bestSeats("Floor", 1)))
	double.PayAfterAll(t, *waiting.Payment.TransactionID)
	awaitPayment(t, alice, waiting.Payment.ID, hasStatus("REFUNDED"))
	require.Equal(t, "EXPIRED", alice.readReservation(r.ID, 0).Status)
	awaitMoney(t, s.cfg.ReadURL, double)
}

func TestTwoPaymentsOfOneReservationChargeOnce(t *testing.T) {
	t.Parallel()
	s, double := startWithStripe(t)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 10, nil)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	var payments [4]payload
	var wg sync.WaitGroup
	for i := range payments {
		wg.Go(func() { payments[i] = alice.payByCard(r.ID, "pm_card_visa") })
	}
	wg.Wait()
	paid := 0
	for _, p := range payments {
		if len(p.UserErrors) == 0 {
			paid++
			continue
		}
		require.Contains(t, []string{"PAYMENT_IN_PROGRESS", "INVALID_STATE"}, p.UserErrors[0].Code)
	}
	require.Equal(t, 1, paid)
	require.Len(t, double.Payments(), 1)
	awaitMoney(t, s.cfg.ReadURL, double)
}

func TestCancellingAnEventRefundsAPaymentInProgress(t *testing.T) {
	t.Parallel()
	s, double := startWithStripe(t)
	organizer, alice := s.admin(), s.customer("alice")
	id := onSale(t, organizer, 10, nil)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	done, release := double.HoldAnswer("/confirm")
	responded := make(chan payload, 1)
	go func() { responded <- alice.payByCard(r.ID, "pm_card_visa") }()
	<-done
	requireAccepted(t, organizer.executeMutation("cancelEvent", "CancelEventInput", "event { id status }", vars{"eventId": id, "reason": "rain"}))
	awaitMoney(t, s.cfg.ReadURL, double)
	release()
	<-responded
	require.Zero(t, double.Balance(), "it was taken, and given back")
}

func TestARefundThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	s, double := startWithStripe(t)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 10, nil)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 2))).Reservation
	paid := requireAccepted(t, alice.payByCard(r.ID, "pm_card_visa"))
	double.Inject(stripetest.Fault{On: "POST /v1/refunds", Status: 500})
	double.Inject(stripetest.Fault{On: "POST /v1/refunds", LoseAnswer: true})
	requireAccepted(t, s.admin().refundPayment(paid.Payment.ID, "15.00"))
	awaitPayment(t, alice, paid.Payment.ID, func(p *paymentValue) bool {
		s.clock.Move(time.Second) // retries follow the system's clock
		return p.Status == "PARTIALLY_REFUNDED"
	})
	awaitMoney(t, s.cfg.ReadURL, double)
	require.EqualValues(t, 25_00, double.Balance(), "once")
}

func TestPaymentsSurviveAnOutageOfStripe(t *testing.T) {
	t.Parallel()
	s, double := startWithStripe(t)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 10, nil)
	waiting := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	requireAccepted(t, alice.payByCard(waiting.ID, "pm_card_authenticationRequired"))
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	double.Down()
	refused := alice.payByCard(r.ID, "pm_card_visa")
	requireRejected(t, refused, "GATEWAY_UNAVAILABLE")
	require.Equal(t, "SEATS_RESERVED", refused.Reservation.Status, "the hold is kept, and no attempt used up")
	s.clock.Move(10*time.Minute + time.Second)
	awaitStatus(t, alice, r.ID, "EXPIRED")
	require.Equal(t, "PAYMENT_PENDING", alice.readReservation(waiting.ID, 0).Status, "the outcome is unknown")
	double.Heal()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		s.clock.Move(time.Second) // retries follow the system's clock
		return alice.readReservation(waiting.ID, 0).Status == "EXPIRED", "the payment is not given up"
	})
	awaitMoney(t, s.cfg.ReadURL, double)
}

// In these tests parts are processes, which are killed or frozen at the worst moment.

func startPlatformWithStripe(t testing.TB) (*platform, *stripetest.Server) {
	t.Helper()
	double := stripetest.New(t)
	p := newPlatform(t)
	withStripe(p.env, double)
	for _, part := range []string{"relay", "projector", "saga"} {
		p.startPart(part)
	}
	return p, double
}

// payWithoutResponse pays through an api that is killed before it responds.
func payWithoutResponse(c *client, reservationID string) {
	body := fmt.Sprintf(`{"query": "mutation { processPayment(input: {reservationId: \"%s\", method: {card: {token: \"pm_card_visa\"}}, idempotencyKey: \"%s\"}) { payment { id } } }"}`,
		reservationID, newKey())
	go func() { _, _ = c.postOperation([]byte(body)) }()
}

func TestAnAPIThatIsKilledAfterStripeChargedAndBeforeItIsRecorded(t *testing.T) {
	t.Parallel()
	p, double := startPlatformWithStripe(t)
	api := p.startAPI()
	admin, alice := signIn(t, p.url, adminEmail), signIn(t, p.url, "alice@example.com")
	id := onSale(t, admin, 10, nil)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	done, release := double.HoldAnswer("/confirm")
	defer release()
	payWithoutResponse(alice, r.ID)
	<-done
	api.killNow()
	p.startAPI()
	awaitStatus(t, alice, r.ID, "COMPLETED")
	awaitMoney(t, p.env["PROJECTION_DATABASE_URL"], double)
}

func TestAnAPIThatIsFrozenBeforeItConfirmsChargesNothingWhenItWakes(t *testing.T) {
	t.Parallel()
	p, double := startPlatformWithStripe(t)
	p.env["PAYMENT_TIMEOUT"] = "1m" // for the api: it is frozen, not slow
	api := p.startAPI()
	admin, alice := signIn(t, p.url, adminEmail), signIn(t, p.url, "alice@example.com")
	id := onSale(t, admin, 10, nil)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	done, release := double.HoldAnswer("POST /v1/payment_intents")
	payWithoutResponse(alice, r.ID)
	<-done
	api.freeze()
	release()
	failed := func() int {
		return queryCount(t, p.env["DATABASE_URL"], `SELECT count(*) FROM domain_events WHERE type = 'PaymentFailed'`)
	}
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return failed() == 1, "the payment is not given up" })
	api.unfreeze()
	paid := requireAccepted(t, alice.payByCard(r.ID, "pm_card_visa")) // no attempt was used up
	require.Equal(t, "COMPLETED", paid.Reservation.Status)
	awaitMoney(t, p.env["PROJECTION_DATABASE_URL"], double)
	charged := 0
	for _, at := range double.Payments() {
		if at.Status == "succeeded" {
			charged++
		}
	}
	require.Equal(t, 1, charged)
}
