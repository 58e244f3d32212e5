package silence

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	ticketing "ticketing/clients/go"
	"ticketing/cmd/parts"
	"ticketing/command/saga"
	"ticketing/internal/config"
	"ticketing/internal/httpserver"
	"ticketing/internal/testenv"
)

const (
	jump     = 10 * time.Minute
	longHold = 5 * time.Minute
)

// process is a part with a clock, a log and metrics of its own.
type process struct {
	part

	name    string
	off     atomic.Int64 // of its clock
	metrics *prometheus.Registry
}

// logged returns how many lines of the log contain text.
func (p *process) logged(text string) int { return strings.Count(p.log.after(0), text) }

func (p *process) clock() time.Time { return time.Now().Add(time.Duration(p.off.Load())) }

// skew returns what the process measured.
func (p *process) skew(t *testing.T) (seconds float64) {
	t.Helper()
	families, err := p.metrics.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == "ticketing_clock_skew_seconds" {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("%s has no metric of its clock", p.name)
	return 0
}

// clocks is the platform with two apis and two sagas, each part with a clock of its own, and the log's time, which the test moves.
type clocks struct {
	t         *testing.T
	cfg       config.Config
	logTime   *testenv.Clock
	pool      *pgxpool.Pool
	processes []*process
	apis      []*ticketing.Client // of one customer
	organizer *ticketing.Client
}

func startClocks(t *testing.T) *clocks {
	t.Helper()
	requireSilence(t)
	db := testenv.Databases(t)
	cfg, err := config.Load(map[string]string{
		"ENVIRONMENT": "test", "DATABASE_URL": db.Events, "PROJECTION_DATABASE_URL": db.Read, "AUTH_DATABASE_URL": db.Auth,
		"REDIS_URL": testenv.Redis(t), "REDPANDA_BROKERS": testenv.Broker(t, 3)[0], "DATA_DIR": t.TempDir(), "LOG_LEVEL": "info",
		"SHUTDOWN_DELAY": "0s", "ADMIN_EMAILS": "admin@example.com", "RESERVATION_HOLD": longHold.String(),
		"AUTH_EXPOSE_MAGIC_LINKS_FOR_TESTING": "true", "AUTH_RATE_LIMIT_REQUESTS": "100000", "MUTATION_RATE_LIMIT_REQUESTS": "100000",
		"MAX_UNPAID_RESERVATIONS": "100000",
	})
	require.NoError(t, err)
	c := &clocks{t: t, cfg: cfg, logTime: testenv.NewClock(t, db.Events)}
	c.pool = testenv.OpenPool(t, db.Events)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	g, ctx := errgroup.WithContext(ctx)
	t.Cleanup(func() {
		cancel()
		if err := g.Wait(); !errors.Is(err, context.Canceled) {
			require.NoError(t, err)
		}
	})
	run := func(name string, do func(ctx context.Context, e parts.Env) error) {
		p := &process{name: name, metrics: prometheus.NewRegistry(), part: part{health: httpserver.NewHealth()}}
		c.processes = append(c.processes, p)
		e := parts.Env{Config: c.cfg, Logger: slog.New(slog.NewTextHandler(&p.log, nil)), Registry: p.metrics, Clock: p.clock, Health: p.health}
		g.Go(func() error { return do(ctx, e) })
	}
	var visitors []*ticketing.Client
	for i := range 2 {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		url := "http://" + listener.Addr().String()
		c.cfg.AuthBaseURL = url
		run(fmt.Sprint("api ", i), func(ctx context.Context, e parts.Env) error { return parts.API(ctx, e, listener) })
		visitors = append(visitors, ticketing.New(ticketing.Config{URL: url + "/graphql", Patience: worksWithin}))
		run(fmt.Sprint("saga ", i), parts.Saga)
	}
	run("relay", parts.Relay)
	run("projector", func(ctx context.Context, e parts.Env) error { return parts.Projector(ctx, e) })
	c.organizer, _, err = visitors[0].SignIn(t.Context(), "admin@example.com")
	require.NoError(t, err)
	for _, v := range visitors {
		customer, _, err := v.SignIn(t.Context(), "alice@example.com")
		require.NoError(t, err)
		c.apis = append(c.apis, customer)
	}
	return c
}

type object struct {
	ID, Status string
	ExpiresAt  time.Time
}

// mutate executes a mutation whose input type has a name of its own, and returns the object.
func (c *clocks) mutate(by *ticketing.Client, field, inputType, what string, in input) (o object) {
	c.t.Helper()
	fields := "id status"
	if what == "reservation" {
		fields += " expiresAt"
	}
	var data map[string]map[string]json.RawMessage
	err := by.Execute(c.t.Context(), ticketing.Operation{
		Name: field, Variables: input{"input": in},
		Document: fmt.Sprintf(`mutation($input: %s!) { %s(input: $input) { %s { %s } userErrors { code message } } }`, inputType, field, what, fields),
	}, &data)
	require.NoError(c.t, err)
	require.NoError(c.t, json.Unmarshal(data[field][what], &o))
	return o
}

func (c *clocks) status(of, id string) (o object) {
	c.t.Helper()
	var data map[string]object
	err := c.organizer.Execute(c.t.Context(), ticketing.Operation{
		Name: of, Variables: input{"id": id}, Document: fmt.Sprintf(`query($id: ID!) { %s(id: $id) { id status } }`, of),
	}, &data)
	require.NoError(c.t, err)
	return data[of]
}

// newEvent publishes an event; its sales are opened by hand unless they open at some time.
func (c *clocks) newEvent(salesOpenAt *time.Time) (id string) {
	c.t.Helper()
	id = c.mutate(c.organizer, "createEvent", "CreateEventInput", "event", input{
		"name": "First night", "venue": "Town hall", "startsAt": "2040-01-01T20:00:00Z", "salesOpenAt": salesOpenAt,
		"maxTicketsPerReservation": 4, "idempotencyKey": rand.Text(),
	}).ID
	c.mutate(c.organizer, "addInventory", "AddInventoryInput", "event", input{
		"eventId": id, "section": "Floor", "price": input{"amount": "20.00", "currencyCode": "EUR"}, "capacity": 1000,
	})
	c.mutate(c.organizer, "publishEvent", "EventIDInput", "event", input{"eventId": id})
	if salesOpenAt == nil {
		c.mutate(c.organizer, "openSales", "EventIDInput", "event", input{"eventId": id})
	}
	return id
}

func (c *clocks) reserve(by *ticketing.Client, eventID string) object {
	c.t.Helper()
	return c.mutate(by, "reserveSeats", "ReserveSeatsInput", "reservation", input{
		"eventId": eventID, "items": []input{{"section": "Floor", "quantity": 1}}, "idempotencyKey": rand.Text(),
	})
}

func (c *clocks) pay(by *ticketing.Client, reservationID string) object {
	c.t.Helper()
	return c.mutate(by, "processPayment", "ProcessPaymentInput", "payment", input{
		"reservationId": reservationID, "method": input{"card": input{"token": "pm_card_visa"}}, "idempotencyKey": rand.Text(),
	})
}

// awaitStatus waits until the read tables have a status, which must be soon.
func (c *clocks) awaitStatus(of, id, status string) {
	c.t.Helper()
	testenv.Eventually(c.t, worksWithin, func() (bool, string) {
		got := c.status(of, id).Status
		return got == status, fmt.Sprintf("%s is %s, not %s", id, got, status)
	})
}

// awaitSagas waits until the sagas have done all that is due.
func (c *clocks) awaitSagas() {
	c.t.Helper()
	testenv.Eventually(c.t, worksWithin, func() (bool, string) {
		idle, err := saga.Idle(c.t.Context(), c.pool)
		return err == nil && idle, fmt.Sprintf("the sagas have work left: %v", err)
	})
}

// round is what customers do while a clock is wrong: holds last as long as they should, payments are taken, sales windows are kept.
func (c *clocks) round(eventID, windowID string, opensAt time.Time) {
	c.t.Helper()
	var unpaid []object
	for _, api := range c.apis {
		paid, held := c.reserve(api, eventID), c.reserve(api, eventID)
		require.WithinDuration(c.t, c.logTime.Now().Add(longHold), held.ExpiresAt, worksWithin)
		require.Equal(c.t, "COMPLETED", c.pay(api, paid.ID).Status)
		unpaid = append(unpaid, held)
		defer c.awaitStatus("reservation", paid.ID, "COMPLETED")
	}
	c.awaitSagas()
	for _, r := range unpaid {
		require.Equal(c.t, "SEATS_RESERVED", c.status("reservation", r.ID).Status, "its hold is not over")
	}
	if c.logTime.Now().Before(opensAt) {
		require.Equal(c.t, "PUBLISHED", c.status("event", windowID).Status, "its sales do not open yet")
	}
	c.logTime.Move(longHold + time.Second)
	for _, r := range unpaid {
		c.awaitStatus("reservation", r.ID, "EXPIRED")
	}
	if !c.logTime.Now().Before(opensAt) {
		c.awaitStatus("event", windowID, "SALES_OPEN")
	}
}

// awaitSkew waits until a process has measured and logged how wrong its clock is, and health shows it.
func (c *clocks) awaitSkew(p *process, want time.Duration, line string, lines int) {
	c.t.Helper()
	testenv.Eventually(c.t, worksWithin, func() (bool, string) {
		measured, logged := p.skew(c.t), p.logged(line)
		_, failing := p.readHealth()
		unhealthy := slices.ContainsFunc(failing, func(check string) bool { return strings.Contains(check, "clock") })
		return measured > want.Seconds()-1 && measured < want.Seconds()+1 && logged == lines && unhealthy == (want != 0),
			fmt.Sprintf("%s measured %v, logged %d times %q, and health shows %v", p.name, measured, logged, line, failing)
	})
}

// One process after another has its clock jump by ten minutes, either way. What customers get does not depend on it.
func TestAProcessWithAWrongClockDecidesNothingWrong(t *testing.T) { //nolint:paralleltest // it measures time
	c := startClocks(t)
	opensAt := c.logTime.Now().Add(6*longHold + longHold/2).UTC().Truncate(time.Second)
	eventID, windowID := c.newEvent(nil), c.newEvent(&opensAt)
	c.awaitStatus("event", windowID, "PUBLISHED")
	for _, p := range c.processes {
		for i, off := range []time.Duration{jump, -jump} {
			p.off.Store(int64(off))
			c.awaitSkew(p, off, "clock is wrong", i+1)
			c.round(eventID, windowID, opensAt)
			p.off.Store(0)
			c.awaitSkew(p, 0, "clock is right again", i+1)
		}
	}
	require.Equal(t, "SALES_OPEN", c.status("event", windowID).Status)
	for _, p := range c.processes {
		require.Equal(t, 2, p.logged("clock is wrong"), p.name)
	}
}

// movePostgres puts PostgreSQL's clock ahead, for all who connect from now on.
func (c *clocks) movePostgres(by time.Duration) {
	c.t.Helper()
	for _, statement := range []string{
		`CREATE SCHEMA wrong`,
		fmt.Sprintf(`CREATE FUNCTION wrong.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
			$$SELECT pg_catalog.clock_timestamp() + interval '%f seconds'$$`, by.Seconds()),
		`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = wrong, pg_catalog, public', current_database()); END $$`,
		`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
	} {
		_, err := c.pool.Exec(c.t.Context(), statement)
		require.NoError(c.t, err, statement)
	}
}

// When PostgreSQL's own clock is wrong, all processes differ from it. They say so, and go on.
func TestAWrongClockOfPostgreSQLMakesNoProcessUnready(t *testing.T) { //nolint:paralleltest // it measures time
	c := startClocks(t)
	eventID := c.newEvent(nil)
	c.awaitStatus("event", eventID, "SALES_OPEN")
	c.movePostgres(jump)
	for _, p := range c.processes {
		testenv.Eventually(t, worksWithin, func() (bool, string) {
			status, failing := p.readHealth()
			shown := slices.ContainsFunc(failing, func(check string) bool { return strings.Contains(check, "clocks of others") })
			return shown && status == "degraded" && p.skew(t) < 1-jump.Seconds() && p.logged("a clock is wrong") > 0,
				fmt.Sprintf("%s is %s with %v", p.name, status, failing)
		})
	}
	for _, api := range c.apis {
		paid := c.reserve(api, eventID)
		require.Equal(t, "COMPLETED", c.pay(api, paid.ID).Status)
		c.awaitStatus("reservation", paid.ID, "COMPLETED")
	}
}
