package silence

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	ticketing "ticketing/clients/go"
	"ticketing/cmd/parts"
	"ticketing/internal/config"
	"ticketing/internal/httpserver"
	"ticketing/internal/network/networktest"
	"ticketing/internal/testenv"
)

const (
	// worksWithin is the time after which everything works again.
	worksWithin = 15 * time.Second
	// quickly is the time within which health, which looks once a second and gives a check two, need not notice.
	quickly = 5 * time.Second
	hold    = 3 * time.Second
)

// The databases are one server. Names of their own distinguish their connections.
const eventsHost, readHost, authHost = "10.255.255.1", "10.255.255.2", "10.255.255.3"

// world is all parts, each with connections that the test can silence.
type world struct {
	t      *testing.T
	cfg    config.Config
	client *ticketing.Client
	parts  map[string]*part
	event  string
	paid   sync.Map // ids of reservations whose payment was accepted
}

// part is a running part.
type part struct {
	wires  *networktest.Network
	health *httpserver.Health
	log    logBuffer
}

// logBuffer is a log that several goroutines write.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// after returns what was logged after the first n bytes.
func (b *logBuffer) after(n int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()[n:]
}

// requireSilence skips the test unless nothing else runs on the machine.
func requireSilence(t *testing.T) {
	t.Helper()
	if os.Getenv("SILENCE") == "" {
		t.Skip("runs alone: make test-silence")
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	requireSilence(t)
	db := testenv.Databases(t)
	env := map[string]string{
		"ENVIRONMENT": "test", "DATABASE_URL": rename(t, db.Events, eventsHost), "PROJECTION_DATABASE_URL": rename(t, db.Read, readHost),
		"AUTH_DATABASE_URL": rename(t, db.Auth, authHost), "REDIS_URL": testenv.Redis(t), "REDPANDA_BROKERS": testenv.Broker(t, 3)[0],
		"DATA_DIR": t.TempDir(), "ADMIN_EMAILS": "admin@example.com", "RESERVATION_HOLD": hold.String(), "SHUTDOWN_DELAY": "0s",
		"AUTH_EXPOSE_MAGIC_LINKS_FOR_TESTING": "true", "AUTH_RATE_LIMIT_REQUESTS": "100000", "MUTATION_RATE_LIMIT_REQUESTS": "100000",
		"MAX_UNPAID_RESERVATIONS": "100000",
	}
	cfg, err := config.Load(env)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	cfg.AuthBaseURL = "http://" + listener.Addr().String()
	w := &world{t: t, cfg: cfg, parts: map[string]*part{}, client: ticketing.New(ticketing.Config{URL: cfg.AuthBaseURL + "/graphql"})}

	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	g, ctx := errgroup.WithContext(ctx)
	for name, run := range map[string]func(context.Context, parts.Env) error{
		"api":   func(ctx context.Context, e parts.Env) error { return parts.API(ctx, e, listener) },
		"relay": parts.Relay, "saga": parts.Saga,
		"projector": func(ctx context.Context, e parts.Env) error { return parts.Projector(ctx, e) },
	} {
		p := &part{wires: networktest.New(t), health: httpserver.NewHealth()}
		for host, address := range map[string]string{eventsHost: db.Events, readHost: db.Read, authHost: db.Auth} {
			u, err := url.Parse(address)
			require.NoError(t, err)
			p.wires.Route(net.JoinHostPort(host, u.Port()), u.Host)
		}
		w.parts[name] = p
		g.Go(func() error {
			return run(ctx, parts.Env{
				Config: cfg, Logger: slog.New(slog.NewTextHandler(&p.log, nil)), Registry: prometheus.NewRegistry(), Clock: time.Now,
				Health: p.health, Dial: p.wires.Dial,
			})
		})
	}
	t.Cleanup(func() {
		stop()
		if err := g.Wait(); !errors.Is(err, context.Canceled) {
			require.NoError(t, err)
		}
		if t.Failed() {
			for name, p := range w.parts {
				t.Logf("log of the %s:\n%s", name, p.log.after(0))
			}
		}
	})
	return w
}

// rename returns the URL of the same database at another host.
func rename(t *testing.T, address, host string) string {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	u.Host = net.JoinHostPort(host, u.Port())
	return u.String()
}

// readHealth returns the state of a part and the names of its failing checks.
func (p *part) readHealth() (status string, failing []string) {
	recorder := httptest.NewRecorder()
	p.health.Detailed().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/health", nil))
	var health struct {
		Status string
		Checks map[string]struct{ Status string }
	}
	_ = json.Unmarshal(recorder.Body.Bytes(), &health)
	for name, check := range health.Checks {
		if check.Status != "ok" {
			failing = append(failing, name)
		}
	}
	return health.Status, failing
}

type input = map[string]any

// price returns the price of every ticket.
func price() input { return input{"amount": "10", "currencyCode": "EUR"} }

// openSales makes an event whose sales are open.
func (w *world) openSales() {
	w.t.Helper()
	ctx := w.t.Context()
	testenv.Eventually(w.t, testenv.Patience, func() (bool, string) {
		status, failing := w.parts["api"].readHealth()
		return status == "ok" || status == "degraded", fmt.Sprint(status, failing)
	})
	admin, _, err := w.client.SignIn(ctx, "admin@example.com")
	require.NoError(w.t, err)
	var created struct{ Event struct{ ID string } }
	require.NoError(w.t, admin.Mutate(ctx, "createEvent", "event { id }",
		input{"name": "First night", "venue": "Town hall", "startsAt": "2040-01-01T20:00:00Z"}, &created))
	w.event = created.Event.ID
	require.NoError(w.t, admin.Mutate(ctx, "addInventory", "event { id }",
		input{"eventId": w.event, "section": "Floor", "price": price(), "capacity": 1_000_000}, nil))
	for _, do := range []string{"publishEvent", "openSales"} {
		require.NoError(w.t, admin.ExecuteOnce(ctx, ticketing.Operation{
			Name: do, Document: `mutation($i: EventIDInput!) { ` + do + `(input: $i) { userErrors { code message } } }`,
			Variables: input{"i": input{"eventId": w.event}},
		}, nil))
	}
}

type reservation struct {
	ID, Status string
	Version    int
}

// reserve reserves a ticket.
func (w *world) reserve(ctx context.Context, c *ticketing.Client) (reservation, error) {
	var reserved struct{ Reservation reservation }
	err := c.Mutate(ctx, "reserveSeats", "reservation { id status version }", input{
		"eventId": w.event, "idempotencyKey": rand.Text(), "items": []input{{"section": "Floor", "quantity": 1}},
	}, &reserved)
	return reserved.Reservation, err
}

// pay pays a reservation.
func (w *world) pay(ctx context.Context, c *ticketing.Client, id string) (reservation, error) {
	var paid struct{ Reservation reservation }
	err := c.Mutate(ctx, "processPayment", "reservation { id status version }", input{
		"reservationId": id, "idempotencyKey": rand.Text(), "method": input{"card": input{"token": "pm_card_visa"}},
	}, &paid)
	if err == nil && paid.Reservation.Status == "COMPLETED" {
		w.paid.Store(id, c)
	}
	return paid.Reservation, err
}

// read reads a reservation from the read tables.
func (w *world) read(ctx context.Context, c *ticketing.Client, r reservation) (reservation, error) {
	var data struct{ Reservation reservation }
	err := c.ExecuteOnce(ctx, ticketing.Operation{
		Name: "reservation", Document: `query($id: ID!, $v: Int) { reservation(id: $id, minVersion: $v) { id status version } }`,
		Variables: input{"id": r.ID, "v": r.Version},
	}, &data)
	return data.Reservation, err
}

// awaitStatus waits until the read tables show a reservation's status.
func (w *world) awaitStatus(ctx context.Context, c *ticketing.Client, r reservation, status string) error {
	for {
		seen, err := w.read(ctx, c, r)
		if err != nil {
			return fmt.Errorf("read the reservation: %w", err)
		}
		if seen.Status == status {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the reservation is %s, not %s: %w", seen.Status, status, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// tryAll does what customers do, through every part: signs in, buys a ticket that the read tables show, and lets a hold expire.
func (w *world) tryAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, hold+4*time.Second)
	defer cancel()
	customer, _, err := w.client.SignIn(ctx, rand.Text()+"@example.com") // a user has few sessions at a time
	if err != nil {
		return err
	}
	left, err := w.reserve(ctx, customer)
	if err != nil {
		return fmt.Errorf("reserve: %w", err)
	}
	bought, err := w.reserve(ctx, customer)
	if err != nil {
		return fmt.Errorf("reserve: %w", err)
	}
	if bought, err = w.pay(ctx, customer, bought.ID); err != nil {
		return fmt.Errorf("pay: %w", err)
	}
	if err := w.awaitStatus(ctx, customer, bought, "COMPLETED"); err != nil {
		return err
	}
	return w.awaitStatus(ctx, customer, left, "EXPIRED")
}

// honest reports whether err says only that something does not work at the moment, or that a hold ran out meanwhile.
func honest(err error) bool {
	if err == nil || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ticketing.ErrNoResponse) {
		return true
	}
	overdue := strings.Contains(err.Error(), "The payment was not finished in time.") // its hold ran out while the gateway was asked
	return overdue || slices.Contains([]string{"UNAVAILABLE", "READ_BEHIND", "GATEWAY_UNAVAILABLE", "RESERVATION_EXPIRED"}, ticketing.CodeOf(err))
}

// buySteadily buys tickets until ctx ends, so that connections are in use when they fall silent.
func (w *world) buySteadily(ctx context.Context, customer *ticketing.Client) {
	for ctx.Err() == nil {
		r, err := w.reserve(ctx, customer)
		if err == nil {
			_, err = w.pay(ctx, customer, r.ID)
		}
		if err != nil && ctx.Err() == nil && !honest(err) {
			w.t.Errorf("a customer got: %v", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// watchHealth collects which checks of a part fail, until stop is called.
func (p *part) watchHealth() (stop func() []string) {
	done, found := make(chan struct{}), make(chan []string, 1)
	go func() {
		var all []string
		for {
			_, failing := p.readHealth()
			all = append(all, failing...)
			select {
			case <-done:
				found <- all
				return
			case <-time.After(250 * time.Millisecond):
			}
		}
	}()
	return func() []string {
		close(done)
		return <-found
	}
}

// Every connection between two parts falls silent: no FIN, no RST, new ones work.
func TestSilentConnectionsAreReplaced(t *testing.T) { //nolint:paralleltest // it measures time
	w := newWorld(t)
	w.openSales()
	customer, _, err := w.client.SignIn(t.Context(), "steady@example.com")
	require.NoError(t, err)
	buying, stopBuying := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() { w.buySteadily(buying, customer) })
	}
	defer group.Wait()
	defer stopBuying()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { err := w.tryAll(t.Context()); return err == nil, fmt.Sprint(err) })

	_, port, err := net.SplitHostPort(strings.TrimPrefix(hostOf(t, w.cfg.EventsURL), "//"))
	require.NoError(t, err)
	events, read, users := net.JoinHostPort(eventsHost, port), net.JoinHostPort(readHost, port), net.JoinHostPort(authHost, port)
	broker, redis := w.cfg.Brokers[0], hostOf(t, w.cfg.RedisURL)
	for _, pair := range []struct{ part, with, address string }{
		{"api", "events database", events}, {"api", "read database", read}, {"api", "auth database", users}, {"api", "Redis", redis},
		{"relay", "events database", events}, {"relay", "broker", broker},
		{"projector", "events database", events}, {"projector", "read database", read}, {"projector", "broker", broker}, {"projector", "Redis", redis},
		{"saga", "events database", events},
	} {
		t.Run(pair.part+" and "+pair.with, func(t *testing.T) {
			w.requireWorkingAgain(t, w.parts[pair.part], pair.address)
		})
	}
	t.Run("Redis hangs", func(t *testing.T) { w.requireFastRefusals(t, redis) })
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { err := w.tryAll(t.Context()); return err == nil, fmt.Sprint(err) })
	stopBuying()
	group.Wait()
	w.paid.Range(func(id, customer any) bool {
		testenv.Eventually(t, testenv.Patience, func() (bool, string) {
			r, err := w.read(t.Context(), customer.(*ticketing.Client), reservation{ID: id.(string)})
			return err == nil && r.Status == "COMPLETED", fmt.Sprint(r, err)
		})
		return true
	})
}

func hostOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	return u.Host
}

// requireWorkingAgain silences a part's connections to an address and requires that customers notice at most for a while.
func (w *world) requireWorkingAgain(t *testing.T, p *part, address string) {
	t.Helper()
	before, stopWatching := len(p.log.after(0)), p.watchHealth()
	began := time.Now()
	require.Positive(t, p.wires.Silence(address), "there was nothing to silence")
	recovered := w.awaitWorking(t, began)
	t.Logf("works again after %s", recovered)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		status, failing := p.readHealth()
		return status == "ok", fmt.Sprint(status, failing)
	})
	failed := stopWatching()
	require.Less(t, recovered, worksWithin)
	require.True(t, len(failed) > 0 || recovered < quickly, "health noticed nothing")
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		log := p.log.after(before)
		return strings.Contains(log, "level=WARN") && strings.Contains(log, " again"), "the log noticed nothing: " + log
	})
}

// awaitWorking tries everything once a second, and returns when the first try began that succeeded.
func (w *world) awaitWorking(t *testing.T, began time.Time) time.Duration {
	t.Helper()
	trying, stop := context.WithTimeout(t.Context(), testenv.Patience)
	var tries sync.WaitGroup
	defer tries.Wait()
	defer stop()
	worked := make(chan time.Duration, int(testenv.Patience/time.Second)+1)
	every := time.NewTicker(time.Second)
	defer every.Stop()
	for {
		started := time.Since(began)
		tries.Go(func() {
			err := w.tryAll(trying)
			if err == nil {
				worked <- started
			} else if trying.Err() == nil && !honest(err) {
				t.Errorf("a customer got: %v", err)
			}
		})
		select {
		case recovered := <-worked:
			return recovered
		case <-every.C:
		case <-trying.Done():
			require.Fail(t, "nothing works again")
		}
	}
}

// requireFastRefusals requires that while Redis hangs, what needs it says so within a second, and what does not goes on.
func (w *world) requireFastRefusals(t *testing.T, redis string) {
	t.Helper()
	customer, _, err := w.client.SignIn(t.Context(), "hanging@example.com")
	require.NoError(t, err)
	t.Cleanup(w.parts["api"].wires.Hang(redis))
	for round := range 5 {
		most := 3 * time.Second // the first finds out: a second for that and the rest for a busy machine
		if round > 0 {
			most = time.Second
		}
		for _, c := range []struct {
			name     string
			client   *ticketing.Client
			document string
			code     string
		}{
			{"with a session", customer, `query { viewer { id } }`, "UNAVAILABLE"},
			{"signing in", w.client, `mutation { requestMagicLink(input: {email: "new@example.com"}) { token } }`, "UNAVAILABLE"},
			{"a public page", w.client, `query { events(first: 1) { nodes { id } } }`, ""},
		} {
			began := time.Now()
			err := c.client.ExecuteOnce(t.Context(), ticketing.Operation{Name: c.name, Document: c.document}, nil)
			require.Less(t, time.Since(began), most, c.name)
			require.Equal(t, c.code, ticketing.CodeOf(err), "%s: %v", c.name, err)
		}
	}
	status, failing := w.parts["api"].readHealth()
	require.Equal(t, "degraded", status)
	require.Contains(t, failing, "api: redis") // projections may be behind, too: the machine is busy
}
