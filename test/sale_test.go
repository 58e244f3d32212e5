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
	"ticketing/internal/testenv"
	"ticketing/projector/verify"
)

// sale is an on-sale in which everything happens once: somebody pays and is refunded, somebody is declined, somebody lets it expire.
type sale struct {
	eventID                      string
	paid, declined, expired      string // reservations
	payment                      string // of what was paid
	reserveRequest, payRequest   string // ids of the requests of who paid
	cancelRequest                string
	organizer, alice, bob, carol *client
}

// as is the client with a request id of its own.
func (c *client) as(requestID string) *client {
	named := *c
	named.requestID = requestID
	return &named
}

// playSale plays a sale to its end, until the saga and the read side have nothing left to do.
func playSale(t testing.TB, s *system) sale {
	t.Helper()
	a := sale{
		reserveRequest: "reserve-request", payRequest: "pay-request", cancelRequest: "cancel-request",
		organizer: s.admin(), alice: s.customer("alice"), bob: s.customer("robert"), carol: s.customer("carol"),
	}
	a.eventID = onSale(t, a.organizer, 10, nil)
	a.paid = requireOK(t, a.alice.as(a.reserveRequest).reserve(a.eventID, item("Floor", 2), named("Stalls", "A-1"))).Reservation.ID
	a.payment = requireOK(t, a.alice.as(a.payRequest).pay(a.paid, "pm_card_visa")).Payment.ID
	a.declined = requireOK(t, a.bob.reserve(a.eventID, item("Floor", 1))).Reservation.ID
	requireRejected(t, a.bob.pay(a.declined, "pm_card_chargeDeclined"), "PAYMENT_DECLINED")
	a.expired = requireOK(t, a.carol.reserve(a.eventID, item("Floor", 1))).Reservation.ID
	s.clock.advance(hold + time.Second)
	awaitStatus(t, a.carol, a.expired, "EXPIRED")
	requireOK(t, a.organizer.as(a.cancelRequest).mutate("cancelEvent", "CancelEventInput", "event { id }", vars{"eventId": a.eventID}))
	awaitStatus(t, a.alice, a.paid, "REFUNDED")
	s.awaitWhole()
	return a
}

// pool connects to one of the system's databases until the test is over.
func (s *system) pool(url string) *pgxpool.Pool {
	s.t.Helper()
	pool, err := pgxpool.New(s.t.Context(), url)
	require.NoError(s.t, err)
	s.t.Cleanup(pool.Close)
	return pool
}

// awaitWhole waits until the read tables say exactly what the log says, which must break no invariant.
func (s *system) awaitWhole() {
	s.t.Helper()
	options := verify.Config{
		Events: s.pool(s.cfg.EventsURL), Read: s.pool(s.cfg.ReadURL), Registry: catalog.Registry(), Topics: s.topics(), Show: 5,
		WindingUp: saga.ReadWindingUp,
	}
	testenv.Eventually(s.t, testenv.Patience, func() (bool, string) {
		report, err := verify.Run(s.t.Context(), options)
		require.NoError(s.t, err)
		return report.OK() && report.Counts[verify.Behind] == 0, fmt.Sprint(report.Findings)
	})
}

func (s *system) topics() map[string]string {
	return map[string]string{
		"event": s.cfg.EventTopic, "inventory": s.cfg.InventoryTopic, "reservation": s.cfg.ReservationTopic, "payment": s.cfg.PaymentTopic,
	}
}

// log answers all domain events.
func (s *system) log() []eventstore.Recorded {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.cfg.EventsURL)
	require.NoError(s.t, err)
	defer conn.Close(s.t.Context())
	all, err := eventstore.ReadAll(s.t.Context(), conn, 0, 100_000)
	require.NoError(s.t, err)
	return all
}
