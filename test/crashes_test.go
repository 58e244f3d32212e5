package test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

// reservationAttempt is an attempt to reserve, with its outcome.
type reservationAttempt struct {
	customer *client
	key      string
	id       string // empty: there was no response
}

// reserveOne reserves one ticket; the api may be killed meanwhile.
func (a *reservationAttempt) reserveOne(eventID string) {
	body, err := json.Marshal(map[string]any{
		"query":     `mutation($i: ReserveSeatsInput!) { reserveSeats(input: $i) { reservation { id } userErrors { code } } }`,
		"variables": vars{"i": vars{"eventId": eventID, "items": []vars{bestSeats("Floor", 1)}, "idempotencyKey": a.key}},
	})
	if err != nil {
		return
	}
	answer, err := a.customer.postOperation(body)
	if err != nil {
		return
	}
	var result struct {
		Data struct{ ReserveSeats *payload }
	}
	if json.Unmarshal(answer, &result) == nil && result.Data.ReserveSeats != nil && result.Data.ReserveSeats.Reservation != nil {
		a.id = result.Data.ReserveSeats.Reservation.ID
	}
}

func TestAnAPIKilledBetweenAppendAndPublishLosesNothing(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	api := p.startAPI()
	organizer, alice := signIn(t, p.url, adminEmail), signIn(t, p.url, "alice@example.com")
	id := onSale(t, organizer, 100, nil)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 2))).Reservation
	api.killNow() // nothing was published: no relay has run yet
	p.startPart("relay")
	p.startPart("projector")
	p.awaitReadSide()
	p.startAPI()
	require.Equal(t, "SEATS_RESERVED", alice.readReservation(r.ID, r.Version).Status)
	require.Equal(t, "COMPLETED", requireAccepted(t, alice.payByCard(r.ID, "pm_card_visa")).Reservation.Status)
	p.awaitReadSide()
	awaitSections(t, alice, id, map[string][3]int{"Floor": {98, 0, 2}})
}

func TestAnAPIKilledUnderLoadLosesNoReservation(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.startPart("relay")
	p.startPart("projector")
	api := p.startAPI()
	id := onSale(t, signIn(t, p.url, adminEmail), 10_000, vars{"maxTicketsPerReservation": 1})
	customers := make([]*client, 8)
	for i := range customers {
		customers[i] = signIn(t, p.url, fmt.Sprintf("customer%d@example.com", i))
	}
	before := queryCount(t, p.env["DATABASE_URL"], `SELECT count(*) FROM domain_events`)
	attempts := make([]reservationAttempt, 2_000)
	var wg sync.WaitGroup
	for i, customer := range customers {
		wg.Go(func() {
			for n := i; n < len(attempts); n += len(customers) {
				attempts[n] = reservationAttempt{customer: customer, key: newKey()}
				attempts[n].reserveOne(id)
			}
		})
	}
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		n := queryCount(t, p.env["DATABASE_URL"], `SELECT count(*) FROM domain_events`)
		return n > before+100, fmt.Sprintf("%d domain events", n)
	})
	api.killNow()
	wg.Wait()
	p.startAPI()
	told, again := map[string]bool{}, 0
	for i := range attempts {
		first := attempts[i].id
		attempts[i].reserveOne(id) // without a response, the customer retries with the same key
		require.NotEmpty(t, attempts[i].id)
		if first != "" {
			require.Equal(t, first, attempts[i].id, "a promise was forgotten")
		} else {
			again++
		}
		told[attempts[i].id] = true
	}
	require.Positive(t, again, "the api was killed too late to prove anything")
	require.Len(t, told, len(attempts), "every attempt is one reservation")
	require.Equal(t, len(attempts), queryCount(t, p.env["DATABASE_URL"], `SELECT count(*) FROM domain_events WHERE type = 'ReservationInitiated'`),
		"no attempt was carried out twice")
	p.awaitReadSide()
}

func TestAProjectorKilledWithinABatchAppliesNothingTwice(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.startPart("relay")
	p.startAPI()
	p.startPart("projector", "--projection", "events", "--projection", "reservations", "--projection", "payments")
	customer := signIn(t, p.url, "alice@example.com")
	id := onSale(t, signIn(t, p.url, adminEmail), 1_000, nil)
	for _, table := range []string{"sections", "inventories"} {
		unlock := p.lockTable(table)
		projector := p.startPart("projector", "--projection", "availability")
		for range 20 {
			r := requireAccepted(t, customer.reserveSeats(id, bestSeats("Floor", 1), bestSeats("Stalls", 1))).Reservation
			requireAccepted(t, customer.cancelReservation(r.ID))
			requireAccepted(t, customer.reserveSeats(id, bestSeats("Floor", 2)))
		}
		p.awaitBlocked(table, 1)
		projector.killNow()
		unlock()
	}
	p.startPart("projector", "--projection", "availability")
	p.awaitReadSide()
	awaitSections(t, customer, id, map[string][3]int{"Floor": {920, 80, 0}, "Stalls": {20, 0, 0}})
}

func TestEveryPartStopsOnSIGTERM(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	parts := []runningPart{p.startPart("relay"), p.startPart("projector"), p.startPart("saga"), p.startAPI()}
	id := onSale(t, signIn(t, p.url, adminEmail), 10, nil)
	alice := signIn(t, p.url, "alice@example.com")
	requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1)))
	alice.subscribe(`subscription($id: ID!) { availability(eventId: $id) { id } }`, vars{"id": id}) // an open stream must not delay the stop
	p.awaitReadSide()
	for _, part := range parts {
		part.stop()
	}
}

func TestHoldsThatEndedDuringAnOutageExpireAtTheStart(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.env["RESERVATION_HOLD"] = "1s"
	p.startPart("relay")
	p.startPart("projector")
	api := p.startAPI()
	organizer, alice := signIn(t, p.url, adminEmail), signIn(t, p.url, "alice@example.com")
	id := onSale(t, organizer, 10, nil)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 4))).Reservation
	api.killNow()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return time.Now().After(r.ExpiresAt), "the hold is not over" })
	p.startAPI()
	requireRejected(t, alice.payByCard(r.ID, "pm_card_visa"), "RESERVATION_EXPIRED")
	p.startPart("saga")
	awaitStatus(t, alice, r.ID, "EXPIRED")
	awaitSections(t, alice, id, map[string][3]int{"Floor": {10, 0, 0}})
	p.awaitReadSide()
}

func TestAPaymentWhoseProcessDiedIsFinished(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.env["PAYMENT_TIMEOUT"] = "1s"
	p.startPart("relay")
	p.startPart("projector")
	p.startAPI()
	p.startPart("saga")
	alice := signIn(t, p.url, "alice@example.com")
	id := onSale(t, signIn(t, p.url, adminEmail), 10, nil)
	r := requireAccepted(t, alice.reserveSeats(id, bestSeats("Floor", 1))).Reservation
	// The customer is charged and the gateway's response is lost: PROCESSING, never "nothing was charged".
	lost := requireAccepted(t, alice.payByCard(r.ID, "pm_sandbox_timeout"))
	require.Equal(t, "PROCESSING", lost.Payment.Status)
	awaitStatus(t, alice, r.ID, "COMPLETED")
	p.awaitReadSide()
}
