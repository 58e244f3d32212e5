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

// attempt is a reservation that somebody tried to make, and what they were told.
type attempt struct {
	buyer *client
	key   string
	id    string // empty: no answer came
}

// try reserves one ticket and survives an api that is killed meanwhile.
func (a *attempt) try(eventID string) {
	body, err := json.Marshal(map[string]any{
		"query":     `mutation($i: ReserveSeatsInput!) { reserveSeats(input: $i) { reservation { id } userErrors { code } } }`,
		"variables": vars{"i": vars{"eventId": eventID, "items": []vars{item("Floor", 1)}, "idempotencyKey": a.key}},
	})
	if err != nil {
		return
	}
	answer, err := a.buyer.post(body)
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
	r := requireOK(t, alice.reserve(id, item("Floor", 2))).Reservation
	api.kill() // nothing was published: no relay has run yet
	p.start("relay")
	p.start("projector")
	p.awaitReadSide()
	p.startAPI()
	require.Equal(t, "SEATS_RESERVED", alice.reservation(r.ID, r.Version).Status)
	require.Equal(t, "COMPLETED", requireOK(t, alice.pay(r.ID, "pm_card_visa")).Reservation.Status)
	p.awaitReadSide()
	awaitSections(t, alice, id, map[string][3]int{"Floor": {98, 0, 2}})
}

func TestAnAPIKilledUnderLoadKeepsEveryPromise(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.start("relay")
	p.start("projector")
	api := p.startAPI()
	id := onSale(t, signIn(t, p.url, adminEmail), 10_000, vars{"maxTicketsPerReservation": 1})
	buyers := make([]*client, 8)
	for i := range buyers {
		buyers[i] = signIn(t, p.url, fmt.Sprintf("buyer%d@example.com", i))
	}
	before := count(t, p.env["DATABASE_URL"], `SELECT count(*) FROM domain_events`)
	attempts := make([]attempt, 2_000)
	var wg sync.WaitGroup
	for i, buyer := range buyers {
		wg.Go(func() {
			for n := i; n < len(attempts); n += len(buyers) {
				attempts[n] = attempt{buyer: buyer, key: key()}
				attempts[n].try(id)
			}
		})
	}
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		n := count(t, p.env["DATABASE_URL"], `SELECT count(*) FROM domain_events`)
		return n > before+100, fmt.Sprintf("%d domain events", n)
	})
	api.kill()
	wg.Wait()
	p.startAPI()
	told, again := map[string]bool{}, 0
	for i := range attempts {
		first := attempts[i].id
		attempts[i].try(id) // whoever got no answer tries again with the same key
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
	require.Equal(t, len(attempts), count(t, p.env["DATABASE_URL"], `SELECT count(*) FROM domain_events WHERE type = 'ReservationInitiated'`),
		"no attempt was carried out twice")
	p.awaitReadSide()
}

func TestAProjectorKilledInMidBatchAppliesNothingTwice(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.start("relay")
	p.startAPI()
	p.start("projector", "--projection", "events", "--projection", "reservations", "--projection", "payments")
	buyer := signIn(t, p.url, "alice@example.com")
	id := onSale(t, signIn(t, p.url, adminEmail), 1_000, nil)
	for _, table := range []string{"sections", "inventories"} {
		unlock := p.lockTable(table)
		projector := p.start("projector", "--projection", "availability")
		for range 20 {
			r := requireOK(t, buyer.reserve(id, item("Floor", 1), item("Stalls", 1))).Reservation
			requireOK(t, buyer.cancel(r.ID))
			requireOK(t, buyer.reserve(id, item("Floor", 2)))
		}
		p.awaitBlocked(table, 1)
		projector.kill()
		unlock()
	}
	p.start("projector", "--projection", "availability")
	p.awaitReadSide()
	awaitSections(t, buyer, id, map[string][3]int{"Floor": {920, 80, 0}, "Stalls": {20, 0, 0}})
}

func TestEveryPartEndsWellWhenToldTo(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	parts := []part{p.start("relay"), p.start("projector"), p.start("saga"), p.startAPI()}
	id := onSale(t, signIn(t, p.url, adminEmail), 10, nil)
	alice := signIn(t, p.url, "alice@example.com")
	requireOK(t, alice.reserve(id, item("Floor", 1)))
	alice.watch(`subscription($id: ID!) { availability(eventId: $id) { id } }`, vars{"id": id}) // an open stream must not hold it up
	p.awaitReadSide()
	for _, part := range parts {
		part.terminate()
	}
}

func TestHoldsThatCameDueWhileNothingRanExpireAtTheStart(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.env["RESERVATION_HOLD"] = "1s"
	p.start("relay")
	p.start("projector")
	api := p.startAPI()
	organizer, alice := signIn(t, p.url, adminEmail), signIn(t, p.url, "alice@example.com")
	id := onSale(t, organizer, 10, nil)
	r := requireOK(t, alice.reserve(id, item("Floor", 4))).Reservation
	api.kill()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return time.Now().After(r.ExpiresAt), "the hold is not over" })
	p.startAPI()
	requireRejected(t, alice.pay(r.ID, "pm_card_visa"), "RESERVATION_EXPIRED")
	p.start("saga")
	awaitStatus(t, alice, r.ID, "EXPIRED")
	awaitSections(t, alice, id, map[string][3]int{"Floor": {10, 0, 0}})
	p.awaitReadSide()
}

func TestAPaymentWhoseProcessDiedIsBroughtToItsEnd(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.env["PAYMENT_TIMEOUT"] = "1s"
	p.start("relay")
	p.start("projector")
	p.startAPI()
	p.start("saga")
	alice := signIn(t, p.url, "alice@example.com")
	id := onSale(t, signIn(t, p.url, adminEmail), 10, nil)
	r := requireOK(t, alice.reserve(id, item("Floor", 1))).Reservation
	// The charge happens, and its answer is lost: PROCESSING, never "nothing was charged".
	lost := requireOK(t, alice.pay(r.ID, "pm_sandbox_timeout"))
	require.Equal(t, "PROCESSING", lost.Payment.Status)
	awaitStatus(t, alice, r.ID, "COMPLETED")
	p.awaitReadSide()
}
