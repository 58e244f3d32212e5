package test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The promises of a platform on two cores that its customers, PostgreSQL, Redis and the broker share.
const (
	loadP95          = 500 * time.Millisecond
	loadErrorPercent = 1
	loadReservations = 10 // a second
)

// samples are the times that operations took, by name.
type samples struct {
	mu     sync.Mutex
	took   map[string][]time.Duration
	failed map[string]int
}

func (s *samples) add(operation string, took time.Duration, failed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if failed {
		s.failed[operation]++
		return
	}
	s.took[operation] = append(s.took[operation], took)
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// loadRun is customers who use a platform of one process of each part.
type loadRun struct {
	*platform

	t       *testing.T
	event   string
	samples samples
	parts   map[string]runningPart
	stop    chan struct{}
	users   sync.WaitGroup
	number  int // of users
	pause   time.Duration
}

// TestLoad lets 50 customers in, and 50 more after half of the time: sign in, browse, reserve, pay, watch. `make load`.
func TestLoad(t *testing.T) {
	duration := readLoad(t, "LOAD", 5*time.Minute)
	r := newLoadRun(t, 500*time.Millisecond)
	watched := r.watch(duration, func(at time.Duration) {
		if want := 50 + 50*int(min(2*at/duration, 1)); r.number < want {
			r.letIn(want - r.number)
		}
	})
	r.finish()
	r.printSamples(duration)
	r.writePlot(watched)
	r.samples.mu.Lock()
	defer r.samples.mu.Unlock()
	sent, failed := 0, 0
	for operation, took := range r.samples.took {
		slices.Sort(took)
		require.Less(t, quantile(took, 0.95), loadP95, operation)
		sent += len(took)
	}
	for _, n := range r.samples.failed {
		failed += n
	}
	require.Less(t, failed*100, (sent+failed)*loadErrorPercent)
	require.Greater(t, float64(len(r.samples.took["reserve"]))/duration.Seconds(), float64(loadReservations))
}

// TestSoak sells at a steady rate for a long time, after which processes and tables must be no larger than a third of the way through. `make soak`.
func TestSoak(t *testing.T) {
	duration := readLoad(t, "SOAK", 30*time.Minute)
	r := newLoadRun(t, time.Second)
	r.letIn(40)
	watched := r.watch(duration, func(time.Duration) {})
	r.finish()
	r.printSamples(duration)
	r.writePlot(watched)
	early, late := watched[len(watched)/3:len(watched)/2], watched[len(watched)*5/6:]
	for name := range early[0].values {
		before, after := average(early, name), average(late, name)
		t.Logf("%-28s %10.1f %10.1f", name, before, after)
		if strings.HasSuffix(name, "MiB") {
			require.Less(t, after, 1.25*before+40, name)
		} else {
			require.Less(t, after, 1.25*before+20, name)
		}
	}
}

func readLoad(t *testing.T, variable string, duration time.Duration) time.Duration {
	t.Helper()
	if os.Getenv(variable) == "" {
		t.Skip("make load and make soak run it")
	}
	if text := os.Getenv("DURATION"); text != "" {
		var err error
		duration, err = time.ParseDuration(text)
		require.NoError(t, err)
	}
	return duration
}

func newLoadRun(t *testing.T, pause time.Duration) *loadRun {
	t.Helper()
	p := newPlatform(t)
	r := &loadRun{platform: p, t: t, parts: map[string]runningPart{}, stop: make(chan struct{}), pause: pause}
	r.samples = samples{took: map[string][]time.Duration{}, failed: map[string]int{}}
	for _, part := range []string{"relay", "projector", "saga"} {
		r.parts[part] = p.startPart(part)
	}
	r.parts["api"] = p.startAPI()
	r.event = onSale(t, signIn(t, p.url, adminEmail), 10_000_000, nil)
	return r
}

func (r *loadRun) letIn(users int) {
	for range users {
		i := r.number
		r.number++
		r.users.Go(func() { r.useShop(i) })
	}
}

func (r *loadRun) finish() {
	close(r.stop)
	r.users.Wait()
}

// measure executes an operation, and reports whether it had a result without errors.
func (r *loadRun) measure(c *client, name, query string, variables vars, data any) bool {
	began := time.Now()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		r.t.Error(err)
		return false
	}
	text, err := c.postOperation(body)
	var answer struct {
		Data   json.RawMessage
		Errors []graphQLError
	}
	good := err == nil && json.Unmarshal(text, &answer) == nil && len(answer.Errors) == 0 && (data == nil || json.Unmarshal(answer.Data, data) == nil)
	r.samples.add(name, time.Since(began), !good)
	return good
}

// useShop is one customer, who signs in once and then buys.
func (r *loadRun) useShop(i int) {
	c := &client{t: r.t, url: r.url}
	var asked struct{ RequestMagicLink struct{ Token string } }
	r.measure(c, "sign in, ask", `mutation($e: String!) { requestMagicLink(input: {email: $e}) { token } }`, vars{"e": fmt.Sprintf("load%d@example.com", i)}, &asked)
	var signedIn struct{ VerifyMagicLink struct{ SessionToken string } }
	r.measure(c, "sign in, verify", `mutation($t: String!) { verifyMagicLink(input: {token: $t}) { sessionToken } }`, vars{"t": asked.RequestMagicLink.Token}, &signedIn)
	c.token = signedIn.VerifyMagicLink.SessionToken
	for pace := time.NewTicker(r.pause); ; {
		select {
		case <-r.stop:
			pace.Stop()
			return
		case <-pace.C:
			r.buyOnce(c)
		}
	}
}

func (r *loadRun) buyOnce(c *client) {
	r.measure(c, "browse", `{ events(first: 20) { nodes { id name startsAt sections { name available price { amount } } } } }`, nil, nil)
	r.measure(c, "look at the event", `query($id: ID!) { event(id: $id) { id name sections { name capacity available price { amount currencyCode } } } }`, vars{"id": r.event}, nil)
	var reserved struct{ ReserveSeats payload }
	good := r.measure(c, "reserve", `mutation($i: ReserveSeatsInput!) { reserveSeats(input: $i) { reservation { id version } userErrors { code } } }`,
		vars{"i": vars{"eventId": r.event, "items": []vars{bestSeats("Floor", 2)}, "idempotencyKey": newKey()}}, &reserved)
	if !good || reserved.ReserveSeats.Reservation == nil {
		return
	}
	id := reserved.ReserveSeats.Reservation.ID
	var paid struct{ ProcessPayment payload }
	good = r.measure(c, "pay", `mutation($i: ProcessPaymentInput!) { processPayment(input: $i) { reservation { id version status } userErrors { code } } }`,
		vars{"i": vars{"reservationId": id, "method": vars{"card": vars{"token": "pm_card_visa"}}, "idempotencyKey": newKey()}}, &paid)
	if good && paid.ProcessPayment.Reservation != nil {
		r.measure(c, "watch", `query($id: ID!, $v: Int) { reservation(id: $id, minVersion: $v) { id status } }`,
			vars{"id": id, "v": paid.ProcessPayment.Reservation.Version}, nil)
	}
}

// moment is what was measured at a time.
type moment struct {
	at     time.Duration
	values map[string]float64
}

func average(moments []moment, name string) (sum float64) {
	for _, m := range moments {
		sum += m.values[name] / float64(len(moments))
	}
	return sum
}

// watch measures every second for a time.
func (r *loadRun) watch(duration time.Duration, each func(at time.Duration)) (all []moment) {
	began, reserved := time.Now(), 0
	for at := time.Duration(0); at < duration; at = time.Since(began) {
		each(at)
		m := moment{at: at, values: map[string]float64{}}
		for name, part := range r.parts {
			m.values[name+", MiB"] = float64(residentMiB(r.t, part))
		}
		m.values["connections to PostgreSQL"] = float64(queryCount(r.t, r.env["DATABASE_URL"],
			`SELECT count(*) FROM pg_stat_activity WHERE usename IS NOT NULL AND pid <> pg_backend_pid()`))
		r.samples.mu.Lock()
		m.values["reservations a second"] = float64(len(r.samples.took["reserve"])-reserved) / max(time.Since(began)-at, time.Second).Seconds()
		reserved = len(r.samples.took["reserve"])
		r.samples.mu.Unlock()
		all = append(all, m)
		time.Sleep(time.Until(began.Add(time.Duration(len(all)) * time.Second)))
	}
	return all
}

func residentMiB(t *testing.T, p runningPart) int {
	t.Helper()
	statm, err := os.ReadFile("/proc/" + strconv.Itoa(p.PID()) + "/statm")
	require.NoError(t, err)
	var size, resident int
	_, err = fmt.Sscan(string(statm), &size, &resident)
	require.NoError(t, err)
	return resident * os.Getpagesize() >> 20
}

func (r *loadRun) printSamples(duration time.Duration) {
	r.samples.mu.Lock()
	defer r.samples.mu.Unlock()
	var out strings.Builder
	for _, name := range []string{"sign in, ask", "sign in, verify", "browse", "look at the event", "reserve", "pay", "watch"} {
		took := r.samples.took[name]
		slices.Sort(took)
		fmt.Fprintf(&out, "| %s | %.1f/s | %d | %d | %d | %d |\n", name, float64(len(took))/duration.Seconds(), r.samples.failed[name],
			quantile(took, 0.5).Milliseconds(), quantile(took, 0.95).Milliseconds(), quantile(took, 0.99).Milliseconds())
	}
	r.t.Logf("%d customers, %s\n| operation | rate | errors | p50 ms | p95 ms | p99 ms |\n|---|---|---|---|---|---|\n%s", r.number, duration, out.String())
}
