package test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/internal/config"
	"ticketing/internal/services"
	"ticketing/internal/testenv"
)

// TestThreeReplicasAreLinearizable records the outcomes of three api processes for customers who all want the same few seats. One process is
// killed meanwhile. A single process that decides one request after another must be able to reach the same outcomes.
func TestThreeReplicasAreLinearizable(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.startPart("relay")
	p.startPart("projector")
	replicas := []*platform{p, p.startReplica(), p.startReplica()}
	apis := make([]runningPart, len(replicas))
	for i, r := range replicas {
		apis[i] = r.startAPI()
	}
	eventID := smallHall(t, signIn(t, p.url, adminEmail))
	h := &recorder{t: t, began: time.Now()}
	for _, r := range replicas {
		h.urls = append(h.urls, r.url)
	}
	const customers, sessions, requests = 4, 2, 24 // 192 requests: the checker's time grows quickly
	var group sync.WaitGroup
	for c := range customers {
		buyer := &buyer{client: signIn(t, p.url, fmt.Sprintf("buyer%d@example.com", c)), eventID: eventID}
		for s := range sessions {
			seed := uint64(c*sessions + s)
			group.Go(func() { h.runSession(buyer, int(seed), requests, rand.New(rand.NewPCG(seed, 2))) })
		}
	}
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		n := h.countResponses()
		return n > customers*sessions*requests/3, fmt.Sprintf("%d requests have an answer", n)
	})
	apis[1].killNow()
	replicas[1].startAPI()
	group.Wait()
	lost := 0
	for _, o := range h.history {
		if o.Output.(answer).lost {
			lost++
		}
	}
	t.Logf("%d requests, %d sent again, %d without an answer", len(h.history), h.repeated, lost)
	require.Len(t, h.history, customers*sessions*requests)
	require.Less(t, lost, len(h.history)/10, "a history of lost responses proves nothing")
	if !linearizable(t, h.history) {
		for _, o := range h.history {
			t.Logf("%12d–%12d client %d: %v → %v", o.Call, o.Return, o.ClientId, o.Input, o.Output)
		}
		t.Fatal("no order of the requests explains the outcomes")
	}
	p.awaitReadSide()
	p.requireVerifiedLive()
}

// startReplica starts another api of the platform, on a port of its own.
func (p *platform) startReplica() *platform {
	p.t.Helper()
	port, err := services.FreePort()
	require.NoError(p.t, err)
	r := &platform{t: p.t, env: maps.Clone(p.env), url: fmt.Sprintf("http://127.0.0.1:%d", port), openPools: map[string]*pgxpool.Pool{}}
	r.env["PORT"] = strconv.Itoa(port)
	return r
}

// requireVerifiedLive checks that the log is sound and that the read tables agree with it, while everything runs.
func (p *platform) requireVerifiedLive() {
	p.t.Helper()
	cfg, err := config.Load(p.env)
	require.NoError(p.t, err)
	require.Empty(p.t, runVerify(p.t, cfg, 10*time.Second).Findings)
}

// smallHall is an event as the model knows it.
func smallHall(t testing.TB, organizer *client) string {
	t.Helper()
	id := requireAccepted(t, organizer.createEvent(vars{"maxTicketsPerReservation": 100})).Event.ID
	requireAccepted(t, organizer.addInventory(id, "Floor", "20.00", vars{"capacity": floorPlaces}))
	requireAccepted(t, organizer.addInventory(id, "Stalls", "45.50", vars{"rows": []vars{{"row": "A", "seats": 3}, {"row": "B", "seats": 2}}}))
	requireAccepted(t, organizer.eventAction("publishEvent", id))
	requireAccepted(t, organizer.eventAction("openSales", id))
	return id
}

// buyer is a customer with several sessions, who share what they have reserved: two of them may cancel the same.
type buyer struct {
	*client
	eventID string

	mu     sync.Mutex
	has    []request // to cancel it
	hasIDs []string
}

func (b *buyer) addReservation(id string, r request, a answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.has = append(b.has, request{cancels: true, number: r.number, given: a})
	b.hasIDs = append(b.hasIDs, id)
}

// pickReservation returns a reservation to cancel: mostly the newest, sometimes one that is cancelled already.
func (b *buyer) pickReservation(random *rand.Rand) (string, request, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.has) == 0 {
		return "", request{}, false
	}
	i := len(b.has) - 1 - random.IntN(min(3, len(b.has)))
	return b.hasIDs[i], b.has[i], true
}

// recorder keeps a history.
type recorder struct {
	t     testing.TB
	began time.Time
	urls  []string

	mu       sync.Mutex
	history  []porcupine.Operation
	repeated int
}

func (h *recorder) countResponses() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.history)
}

// runSession sends one request after another, each to any of the replicas.
func (h *recorder) runSession(b *buyer, session, requests int, random *rand.Rand) {
	for n := range requests {
		id, r, cancels := b.pickReservation(random)
		if !cancels || random.IntN(5) < 3 {
			r = drawRequest(random, session*requests+n)
		}
		query, input := r.mutation(b.eventID, id)
		call := time.Since(h.began).Nanoseconds()
		made, a := h.sendUntilDone(b.client, query, input, random)
		o := porcupine.Operation{ClientId: session, Input: r, Output: a, Call: call, Return: time.Since(h.began).Nanoseconds()}
		if a.lost {
			o.Return = math.MaxInt64
		}
		h.mu.Lock()
		h.history = append(h.history, o)
		h.mu.Unlock()
		if made != "" && !r.cancels {
			b.addReservation(made, r, a)
		}
	}
}

func drawRequest(random *rand.Rand, number int) request {
	r := request{number: number}
	switch random.IntN(4) {
	case 0:
		for range 2 { // two seats, or the same twice
			r.named |= 1 << random.IntN(stallSeats)
		}
	case 1:
		r.best = 1 + random.IntN(2)
	case 2:
		r.floor = 1 + random.IntN(2)
	case 3:
		r.named, r.floor = 1<<random.IntN(stallSeats), 1
	}
	return r
}

func (r request) mutation(eventID, reservationID string) (query string, input vars) {
	const answer = `reservation { id seats { section label } } userErrors { code message }`
	if r.cancels {
		return `mutation($i: CancelReservationInput!) { answer: cancelReservation(input: $i) { ` + answer + ` } }`,
			vars{"reservationId": reservationID, "idempotencyKey": newKey()}
	}
	var items []vars
	if r.named != 0 {
		items = append(items, namedSeats("Stalls", r.named.labels()...))
	}
	if r.best > 0 {
		items = append(items, bestSeats("Stalls", r.best))
	}
	if r.floor > 0 {
		items = append(items, bestSeats("Floor", r.floor))
	}
	return `mutation($i: ReserveSeatsInput!) { answer: reserveSeats(input: $i) { ` + answer + ` } }`,
		vars{"eventId": eventID, "items": items, "idempotencyKey": newKey()}
}

// sendUntilDone sends a request until a replica responds, each time to another one with the same key.
func (h *recorder) sendUntilDone(c *client, query string, input vars, random *rand.Rand) (reservationID string, a answer) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": vars{"i": input}})
	if err != nil {
		h.t.Error(err)
		return "", answer{lost: true}
	}
	first := random.IntN(len(h.urls))
	for try, until := 0, time.Now().Add(20*time.Second); time.Now().Before(until); try++ {
		one := &client{t: c.t, url: h.urls[(first+try)%len(h.urls)], token: c.token}
		data, err := one.postOperation(body)
		if err == nil {
			if reservationID, a, ok := h.readAnswer(data); ok {
				return reservationID, a
			}
		}
		h.mu.Lock()
		h.repeated++
		h.mu.Unlock()
	}
	return "", answer{lost: true}
}

// readAnswer decodes an answer; false: the request may be retried.
func (h *recorder) readAnswer(data []byte) (reservationID string, a answer, ok bool) {
	var result struct {
		Data   struct{ Answer *payload }
		Errors []graphQLError
	}
	if err := json.Unmarshal(data, &result); err != nil {
		return "", a, false // cut off
	}
	if len(result.Errors) > 0 || result.Data.Answer == nil {
		if !slices.ContainsFunc(result.Errors, func(e graphQLError) bool { return e.code() == "UNAVAILABLE" }) {
			h.t.Errorf("unexpected response: %s", data)
		}
		return "", a, false
	}
	if errs := result.Data.Answer.UserErrors; len(errs) > 0 {
		return "", answer{code: errs[0].Code}, true
	}
	r := result.Data.Answer.Reservation
	for _, seat := range r.Seats {
		if seat.Section == "Floor" {
			a.floor++
			continue
		}
		a.seats |= 1 << slices.Index(stalls[:], *seat.Label)
	}
	return r.ID, a, true
}
