package test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// operations are what a customer does, in this order.
var operations = []string{"sign in, ask", "sign in, verify", "browse", "look at the event", "reserve", "pay", "watch"}

// A crowd is customers of the event that is on sale. Each buys two tickets again and again.
type crowd struct {
	*loadRun

	onSale atomic.Pointer[string] // an event
	pause  time.Duration          // from an order to the next, if the platform keeps up
	differ bool                   // some cancel, and some let their hold end
	began  time.Time
	stop   chan struct{}
	users  sync.WaitGroup
	number int          // of users
	paid   atomic.Int64 // tickets

	samples
}

// newCrowd puts an event on sale, and lets in no customers yet.
func (r *loadRun) newCrowd(capacity int, pause time.Duration) *crowd {
	r.t.Helper()
	c := &crowd{loadRun: r, pause: pause, began: time.Now(), stop: make(chan struct{}), samples: newSamples()}
	c.putOnSale(capacity)
	return c
}

// putOnSale puts an event on sale, of which the customers buy from now on.
func (c *crowd) putOnSale(capacity int) {
	c.t.Helper()
	admin := signIn(c.t, c.url, adminEmail)
	id := requireAccepted(c.t, admin.createEvent(nil)).Event.ID
	requireAccepted(c.t, admin.addInventory(id, "Floor", "20.00", vars{"capacity": capacity}))
	requireAccepted(c.t, admin.eventAction("publishEvent", id))
	requireAccepted(c.t, admin.eventAction("openSales", id))
	c.onSale.Store(&id)
}

// letIn lets in more users.
func (c *crowd) letIn(users int) {
	for range users {
		c.number++
		c.customers++
		c.users.Go(func() { c.useShop(newKey() + "@example.com") })
	}
}

// finish has all users leave once they have what they are waiting for.
func (c *crowd) finish() {
	close(c.stop)
	c.users.Wait()
	c.customers -= c.number
	c.took = time.Since(c.began)
}

// useShop is one customer, who signs in once and then buys.
func (c *crowd) useShop(email string) {
	u := &client{t: c.t, url: c.url}
	var asked struct{ RequestMagicLink struct{ Token string } }
	c.measure(u, "sign in, ask", `mutation($e: String!) { requestMagicLink(input: {email: $e}) { token } }`, vars{"e": email}, &asked)
	var signedIn struct{ VerifyMagicLink struct{ SessionToken string } }
	c.measure(u, "sign in, verify", `mutation($t: String!) { verifyMagicLink(input: {token: $t}) { sessionToken } }`, vars{"t": asked.RequestMagicLink.Token}, &signedIn)
	u.token = signedIn.VerifyMagicLink.SessionToken
	pace := time.NewTicker(c.pause)
	defer pace.Stop()
	for n := 0; ; n++ {
		select {
		case <-c.stop:
			return
		case <-pace.C:
			c.order(u, n)
		}
	}
}

// order is a customer's n-th order.
func (c *crowd) order(u *client, n int) {
	event := *c.onSale.Load()
	c.measure(u, "browse", `{ events(first: 20) { nodes { id name startsAt sections { name available price { amount } } } } }`, nil, nil)
	c.measure(u, "look at the event", `query($id: ID!) { event(id: $id) { id name sections { name capacity available price { amount currencyCode } } } }`, vars{"id": event}, nil)
	var reserved struct{ ReserveSeats payload }
	c.insist(u, "reserve", `mutation($i: ReserveSeatsInput!) { reserveSeats(input: $i) { reservation { id } userErrors { code } } }`,
		vars{"eventId": event, "items": []vars{bestSeats("Floor", 2)}}, &reserved)
	if reserved.ReserveSeats.Reservation == nil {
		return // sold out
	}
	c.reserved.Add(1)
	id := reserved.ReserveSeats.Reservation.ID
	switch {
	case c.differ && n%10 == 3:
		c.insist(u, "cancel", `mutation($i: CancelReservationInput!) { cancelReservation(input: $i) { reservation { id } } }`, vars{"reservationId": id}, nil)
		return
	case c.differ && n%10 == 7:
		return
	}
	var paid struct{ ProcessPayment payload }
	c.insist(u, "pay", `mutation($i: ProcessPaymentInput!) { processPayment(input: $i) { reservation { id status } userErrors { code } } }`,
		vars{"reservationId": id, "method": vars{"card": vars{"token": "pm_card_visa"}}}, &paid)
	if r := paid.ProcessPayment.Reservation; r != nil && r.Status == "COMPLETED" {
		c.paid.Add(2)
		began := time.Now()
		err := c.watchOrder(u, id)
		c.add("watch", time.Since(began), err != nil)
	}
}

// measure executes an operation, and reports whether it had a result without errors.
func (c *crowd) measure(u *client, name, query string, variables vars, data any) bool {
	began := time.Now()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		c.t.Error(err)
		return false
	}
	text, err := u.postOperation(body)
	var answer struct {
		Data   json.RawMessage
		Errors []graphQLError
	}
	good := err == nil && json.Unmarshal(text, &answer) == nil && len(answer.Errors) == 0 && (data == nil || json.Unmarshal(answer.Data, data) == nil)
	c.add(name, time.Since(began), !good)
	return good
}

// insist executes a mutation with an idempotency key, a few times if it fails.
func (c *crowd) insist(u *client, name, query string, input vars, data any) {
	input["idempotencyKey"] = newKey()
	for range 10 {
		if c.measure(u, name, query, vars{"i": input}, data) {
			return
		}
		select {
		case <-c.stop:
			return
		case <-time.After(c.pause):
		}
	}
}

// watchOrder returns when the page of an order, which is a stream of server-sent events, has shown that it is paid.
func (c *crowd) watchOrder(u *client, id string) error {
	body, err := json.Marshal(map[string]any{"query": watchReservation, "variables": vars{"id": id}})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, u.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("Authorization", "Bearer "+u.token)
	response, err := httpClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if strings.Contains(lines.Text(), `"COMPLETED"`) {
			return nil
		}
	}
	return errors.New("the stream has ended")
}

// samples are the times that operations took, by name.
type samples struct {
	mu     sync.Mutex
	times  map[string][]time.Duration
	failed map[string]int
	took   time.Duration // all of it
}

func newSamples() samples {
	return samples{times: map[string][]time.Duration{}, failed: map[string]int{}}
}

func (s *samples) add(operation string, took time.Duration, failed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if failed {
		s.failed[operation]++
		return
	}
	s.times[operation] = append(s.times[operation], took)
}

// countOf returns how often an operation succeeded.
func (s *samples) countOf(operation string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.times[operation])
}

// count returns how many operations there were, and how many of them failed.
func (s *samples) count() (sent, failed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.failed {
		failed += n
	}
	sent = failed
	for _, times := range s.times {
		sent += len(times)
	}
	return sent, failed
}

func (s *samples) quantile(operation string, q float64) time.Duration {
	return s.quantileSince(operation, 0, q)
}

// quantileSince leaves out the first times of an operation. Without any it is 0.
func (s *samples) quantileSince(operation string, first int, q float64) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	sorted := slices.Sorted(slices.Values(s.times[operation][first:]))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// print writes a table of what the crowd did.
func (c *crowd) print(title string) {
	var out strings.Builder
	for _, name := range operations {
		fmt.Fprintf(&out, "| %s | %.1f/s | %d |", name, float64(c.countOf(name))/c.took.Seconds(), c.failed[name])
		for _, q := range []float64{0.5, 0.95, 0.99} {
			fmt.Fprintf(&out, " %d |", c.quantile(name, q).Milliseconds())
		}
		out.WriteString("\n")
	}
	c.t.Logf("%s: %d customers, %d tickets in %s\n| operation | rate | errors | p50 ms | p95 ms | p99 ms |\n|---|---|---|---|---|---|\n%s",
		title, c.number, c.paid.Load(), c.took.Round(time.Second), out.String())
}
