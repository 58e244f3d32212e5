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
		"PAYMENT_GATEWAYS": "stripe", "STRIPE_API_KEY": stripetest.APIKey, "STRIPE_WEBHOOK_SECRET": stripetest.WebhookSecret,
		"STRIPE_API_BASE": double.URL, "PAYMENT_TIMEOUT": "2s",
	})
	return env
}

// startWithStripe runs a system whose customers pay through Stripe's double, which sends its webhooks.
func startWithStripe(t testing.TB) (*system, *stripetest.Server) {
	t.Helper()
	double := stripetest.New(t)
	s := startIn(t, withStripe(environment(t), double))
	double.SendTo(s.url + "/webhooks/stripe")
	return s, double
}

// awaitMoney waits until Stripe has exactly what completed reservations stand for, and no reservation waits for a payment.
func awaitMoney(t testing.TB, readURL string, double *stripetest.Server) {
	t.Helper()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		due := count(t, readURL, `SELECT coalesce(sum(r.total - p.refunded), 0)::bigint FROM reservations r
			JOIN payments p ON p.reservation_id = r.id AND p.completed_at IS NOT NULL WHERE r.status = 'COMPLETED'`)
		open := count(t, readURL, `SELECT count(*) FROM reservations WHERE status = 'PAYMENT_PENDING'`)
		kept := double.Balance()
		return kept == int64(due) && open == 0, fmt.Sprintf("Stripe has %d, reservations stand for %d, %d wait for a payment", kept, due, open)
	})
}

func TestACustomerWhoNeverComesBackFromThe3DSecurePageHasTheTickets(t *testing.T) {
	t.Parallel()
	s, double := startWithStripe(t)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 10, nil)
	r := requireOK(t, alice.reserve(id, item("Floor", 1))).Reservation
	waiting := requireOK(t, alice.pay(r.ID, "pm_card_authenticationRequired"))
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
	r := requireOK(t, alice.reserve(id, item("Floor", 1))).Reservation
	waiting := requireOK(t, alice.pay(r.ID, "pm_card_authenticationRequired"))
	require.Equal(t, r.ExpiresAt.Add(hold), waiting.Reservation.ExpiresAt, "the hold is extended once")
	s.clock.advance(2*hold + time.Second)
	awaitStatus(t, alice, r.ID, "EXPIRED")
	require.Equal(t, "canceled", double.Payments()[0].Status)

	// A bank that settles after all: the seat is free, and is taken back.
	double.PayAfterAll(t, *waiting.Payment.TransactionID)
	awaitStatus(t, alice, r.ID, "COMPLETED")
	awaitSections(t, alice, id, map[string][3]int{"Floor": {0, 0, 1}})
	awaitMoney(t, s.cfg.ReadURL, double)
}

func TestAPaymentAfterTheSeatsWereSoldToSomebodyElseGoesBack(t *testing.T) {
	t.Parallel()
	s, double := startWithStripe(t)
	alice, bob := s.customer("alice"), s.customer("bob")
	id := onSale(t, s.admin(), 1, nil)
	r := requireOK(t, alice.reserve(id, item("Floor", 1))).Reservation
	waiting := requireOK(t, alice.pay(r.ID, "pm_card_authenticationRequired"))
	s.clock.advance(2*hold + time.Second)
	awaitStatus(t, alice, r.ID, "EXPIRED")
	requireOK(t, bob.reserve(id, item("Floor", 1)))
	double.PayAfterAll(t, *waiting.Payment.TransactionID)
	awaitPayment(t, alice, waiting.Payment.ID, hasStatus("REFUNDED"))
	require.Equal(t, "EXPIRED", alice.reservation(r.ID, 0).Status)
	awaitMoney(t, s.cfg.ReadURL, double)
}

func TestTwoPaymentsOfOneReservationAreOneCharge(t *testing.T) {
	t.Parallel()
	s, double := startWithStripe(t)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 10, nil)
	r := requireOK(t, alice.reserve(id, item("Floor", 1))).Reservation
	var answers [4]payload
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i] = alice.pay(r.ID, "pm_card_visa") })
	}
	wg.Wait()
	paid := 0
	for _, p := range answers {
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

func TestAnEventThatIsCancelledWhileAPaymentIsWithStripe(t *testing.T) {
	t.Parallel()
	s, double := startWithStripe(t)
	organizer, alice := s.admin(), s.customer("alice")
	id := onSale(t, organizer, 10, nil)
	r := requireOK(t, alice.reserve(id, item("Floor", 1))).Reservation
	done, release := double.HoldAnswer("/confirm")
	answered := make(chan payload, 1)
	go func() { answered <- alice.pay(r.ID, "pm_card_visa") }()
	<-done
	requireOK(t, organizer.mutate("cancelEvent", "CancelEventInput", "event { id status }", vars{"eventId": id, "reason": "rain"}))
	awaitMoney(t, s.cfg.ReadURL, double)
	release()
	<-answered
	require.Zero(t, double.Balance(), "it was taken, and given back")
}

func TestARefundThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	s, double := startWithStripe(t)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 10, nil)
	r := requireOK(t, alice.reserve(id, item("Floor", 2))).Reservation
	paid := requireOK(t, alice.pay(r.ID, "pm_card_visa"))
	double.Inject(stripetest.Fault{On: "POST /v1/refunds", Status: 500})
	double.Inject(stripetest.Fault{On: "POST /v1/refunds", LoseAnswer: true})
	requireOK(t, s.admin().refund(paid.Payment.ID, "15.00"))
	awaitPayment(t, alice, paid.Payment.ID, func(p *paymentValue) bool {
		s.clock.advance(time.Second) // retries wait by the clock
		return p.Status == "PARTIALLY_REFUNDED"
	})
	awaitMoney(t, s.cfg.ReadURL, double)
	require.EqualValues(t, 25_00, double.Balance(), "once")
}

func TestStripeIsAwayForTenMinutes(t *testing.T) {
	t.Parallel()
	s, double := startWithStripe(t)
	alice := s.customer("alice")
	id := onSale(t, s.admin(), 10, nil)
	waiting := requireOK(t, alice.reserve(id, item("Floor", 1))).Reservation
	requireOK(t, alice.pay(waiting.ID, "pm_card_authenticationRequired"))
	r := requireOK(t, alice.reserve(id, item("Floor", 1))).Reservation
	double.Down()
	refused := alice.pay(r.ID, "pm_card_visa")
	requireRejected(t, refused, "GATEWAY_UNAVAILABLE")
	require.Equal(t, "SEATS_RESERVED", refused.Reservation.Status, "the hold is kept, and no attempt used up")
	s.clock.advance(10*time.Minute + time.Second)
	awaitStatus(t, alice, r.ID, "EXPIRED")
	require.Equal(t, "PAYMENT_PENDING", alice.reservation(waiting.ID, 0).Status, "nobody can say yet")
	double.Heal()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		s.clock.advance(time.Second) // retries wait by the clock
		return alice.reservation(waiting.ID, 0).Status == "EXPIRED", "the payment is not given up"
	})
	awaitMoney(t, s.cfg.ReadURL, double)
}

// The parts run as processes here, which die and freeze at the worst moment.

func startPlatformWithStripe(t testing.TB) (*platform, *stripetest.Server) {
	t.Helper()
	double := stripetest.New(t)
	p := newPlatform(t)
	withStripe(p.env, double)
	for _, part := range []string{"relay", "projector", "saga"} {
		p.start(part)
	}
	return p, double
}

// payInVain pays, for an api that does not live to answer.
func payInVain(c *client, reservationID string) {
	body := fmt.Sprintf(`{"query": "mutation { processPayment(input: {reservationId: \"%s\", method: {card: {token: \"pm_card_visa\"}}, idempotencyKey: \"%s\"}) { payment { id } } }"}`,
		reservationID, key())
	go func() { _, _ = c.post([]byte(body)) }()
}

func TestAnAPIThatIsKilledAfterStripeChargedAndBeforeItIsRecorded(t *testing.T) {
	t.Parallel()
	p, double := startPlatformWithStripe(t)
	api := p.startAPI()
	admin, alice := signIn(t, p.url, adminEmail), signIn(t, p.url, "alice@example.com")
	id := onSale(t, admin, 10, nil)
	r := requireOK(t, alice.reserve(id, item("Floor", 1))).Reservation
	done, release := double.HoldAnswer("/confirm")
	defer release()
	payInVain(alice, r.ID)
	<-done
	api.kill()
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
	r := requireOK(t, alice.reserve(id, item("Floor", 1))).Reservation
	done, release := double.HoldAnswer("POST /v1/payment_intents")
	payInVain(alice, r.ID)
	<-done
	api.pause()
	release()
	failed := func() int {
		return count(t, p.env["DATABASE_URL"], `SELECT count(*) FROM domain_events WHERE type = 'PaymentFailed'`)
	}
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return failed() == 1, "the payment is not given up" })
	api.goOn()
	paid := requireOK(t, alice.pay(r.ID, "pm_card_visa")) // no attempt was used up
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
