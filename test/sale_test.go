package test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/command/catalog"
	"ticketing/command/eventstore"
	"ticketing/command/saga"
	"ticketing/internal/config"
	"ticketing/internal/testenv"
	"ticketing/projector/verify"
)

// playedSale has one of each: a paid and refunded reservation, a declined one, an expired one.
type playedSale struct {
	eventID                      string
	paid, declined, expired      string // reservations
	payment                      string // of what was paid
	reserveRequest, payRequest   string // request ids of the paid one
	cancelRequest                string
	organizer, alice, bob, carol *client
}

// withRequestID returns the client with a request id.
func (c *client) withRequestID(requestID string) *client {
	named := *c
	named.requestID = requestID
	return &named
}

// playSale sells until the saga and the read side have nothing left to do.
func playSale(t testing.TB, s *system) playedSale {
	t.Helper()
	a := playedSale{
		reserveRequest: "reserve-request", payRequest: "pay-request", cancelRequest: "cancel-request",
		organizer: s.admin(), alice: s.customer("alice"), bob: s.customer("robert"), carol: s.customer("carol"),
	}
	a.eventID = onSale(t, a.organizer, 10, vars{"paymentAttempts": 1})
	a.paid = requireAccepted(t, a.alice.withRequestID(a.reserveRequest).reserveSeats(a.eventID, bestSeats("Floor", 2), namedSeats("Stalls", "A-1"))).Reservation.ID
	a.payment = requireAccepted(t, a.alice.withRequestID(a.payRequest).payByCard(a.paid, "pm_card_visa")).Payment.ID
	a.declined = requireAccepted(t, a.bob.reserveSeats(a.eventID, bestSeats("Floor", 1))).Reservation.ID
	requireRejected(t, a.bob.payByCard(a.declined, "pm_card_chargeDeclined"), "PAYMENT_DECLINED")
	a.expired = requireAccepted(t, a.carol.reserveSeats(a.eventID, bestSeats("Floor", 1))).Reservation.ID
	s.clock.Move(holdDuration + time.Second)
	awaitStatus(t, a.carol, a.expired, "EXPIRED")
	requireAccepted(t, a.organizer.withRequestID(a.cancelRequest).executeMutation("cancelEvent", "CancelEventInput", "event { id }", vars{"eventId": a.eventID}))
	awaitStatus(t, a.alice, a.paid, "REFUNDED")
	s.awaitVerified()
	return a
}

// openPool connects to one of the system's databases for the test.
func (s *system) openPool(url string) *pgxpool.Pool {
	s.t.Helper()
	pool := testenv.OpenPool(s.t, url)
	return pool
}

// awaitVerified waits until the read tables agree with the log, which must be sound.
func (s *system) awaitVerified() {
	s.t.Helper()
	testenv.Eventually(s.t, testenv.Patience, func() (bool, string) {
		report := runVerify(s.t, s.cfg, 0)
		return report.OK() && report.Counts[verify.Behind] == 0, fmt.Sprint(report.Findings)
	})
}

// runVerify compares the read tables with the log, and waits for rows that are behind.
func runVerify(t testing.TB, cfg config.Config, patience time.Duration) *verify.Report {
	t.Helper()
	o := verify.Config{Registry: catalog.Registry(), WindingUp: saga.ReadWindingUp, Wait: patience, Show: 20, Topics: topicsOf(cfg)}
	for url, pool := range map[string]**pgxpool.Pool{cfg.EventsURL: &o.Events, cfg.ReadURL: &o.Read} {
		var err error
		*pool, err = pgxpool.New(t.Context(), url)
		require.NoError(t, err)
		defer (*pool).Close()
	}
	report, err := verify.Run(t.Context(), o)
	require.NoError(t, err)
	return report
}

func topicsOf(cfg config.Config) map[string]string {
	return map[string]string{
		"event": cfg.EventTopic, "inventory": cfg.InventoryTopic, "reservation": cfg.ReservationTopic, "payment": cfg.PaymentTopic,
	}
}

// readLog returns all domain events.
func (s *system) readLog() []eventstore.Recorded {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.cfg.EventsURL)
	require.NoError(s.t, err)
	defer conn.Close(s.t.Context())
	all, err := eventstore.ReadAll(s.t.Context(), conn, 0, 100_000)
	require.NoError(s.t, err)
	return all
}
