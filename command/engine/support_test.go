package engine_test

import (
	"context"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"ticketing/command/engine"
	"ticketing/command/eventstore"
	"ticketing/command/rejection"
	"ticketing/internal/testenv"
)

// A counter is the smallest aggregate that can be wrong: every test of the engine counts.
type (
	added   struct{ N int }
	counter struct{ Sum int }
	count   []int // the command: what to add, a domain event each
)

func decide(_ counter, c count, _ time.Time) (domainEvents []added, err error) {
	for _, n := range c {
		domainEvents = append(domainEvents, added{N: n})
	}
	return domainEvents, nil
}

func evolve(s counter, e added) counter { return counter{Sum: s.Sum + e.N} }

var counters = engine.Define("counter", decide, evolve).WithSnapshots(1)

func registry() *eventstore.Registry {
	r := eventstore.NewRegistry()
	eventstore.Register[added](r, "Added", 1)
	return r
}

// logDB is an empty log of its own.
func logDB(t *testing.T) string {
	t.Helper()
	return testenv.Databases(t).Events
}

func newPool(t *testing.T, url string, configure func(*pgxpool.Config)) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(url)
	require.NoError(t, err)
	if configure != nil {
		configure(config)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

// start runs an engine, as one replica, until the test ends or stop is called.
func start(t *testing.T, pool *pgxpool.Pool, metrics prometheus.Registerer) (e *engine.Engine, stop func()) {
	t.Helper()
	return startWith(t, pool, func(c *engine.Config) { c.Registerer = metrics })
}

func startWith(t *testing.T, pool *pgxpool.Pool, configure func(*engine.Config)) (e *engine.Engine, stop func()) {
	t.Helper()
	c := engine.Config{
		Pool: pool, Registry: registry(), Logger: slog.New(slog.DiscardHandler),
		Aggregates: []engine.AnyAggregate{counters},
	}
	configure(&c)
	e = engine.New(c)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error, 1)
	go func() { done <- e.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-done)
	})
	t.Cleanup(stop)
	return e, stop
}

func failedBatches(t *testing.T, metrics prometheus.Gatherer) float64 {
	t.Helper()
	return counted(t, metrics, "failed_batches_total")
}

// counted sums one of the engine's counters up.
func counted(t *testing.T, metrics prometheus.Gatherer, name string) (sum float64) {
	t.Helper()
	families, err := metrics.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() != "ticketing_engine_"+name {
			continue
		}
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue()
		}
	}
	return sum
}

// add counts up, a domain event for each number, and returns the sum.
func add(id string, numbers ...int) engine.Request {
	return engine.Request{
		Metadata: eventstore.Metadata{CorrelationID: "test", Actor: "usr_test"},
		Streams:  []string{counters.Stream(id)},
		Decide: func(tx *engine.Tx) (engine.Decided, error) {
			s, err := counters.Decide(tx, id, numbers)
			return engine.Decided{Ref: strconv.Itoa(s.Sum), Value: s.Sum}, err
		},
	}
}

// addUpTo counts up by one, and rejects what would be more than limit.
func addUpTo(id string, limit int) engine.Request {
	r := add(id, 1)
	accept := r.Decide
	r.Decide = func(tx *engine.Tx) (engine.Decided, error) {
		s, err := counters.Load(tx, id)
		if err != nil {
			return engine.Decided{}, err
		}
		if s.Sum >= limit {
			return engine.Decided{}, rejection.New(rejection.InsufficientInventory, "%d is the limit", limit)
		}
		return accept(tx)
	}
	return r
}

// block keeps the engine busy with one decision until release is called. It is no longer than a frozen session may hold the lock.
func block(t *testing.T, e *engine.Engine) (release func()) {
	t.Helper()
	deciding, end, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		_, _ = e.Execute(context.WithoutCancel(t.Context()), whileDeciding(add("block", 1), func() {
			close(deciding)
			<-end
		}))
	}()
	<-deciding
	release = sync.OnceFunc(func() {
		close(end)
		<-done
	})
	t.Cleanup(release)
	return release
}

func withKey(r engine.Request, key, request string) engine.Request {
	r.Key = &engine.Key{Actor: r.Metadata.Actor, Key: key, Hash: []byte(request)}
	return r
}

func mustExecute(t *testing.T, e *engine.Engine, r engine.Request) int {
	t.Helper()
	result, err := e.Execute(t.Context(), r)
	require.NoError(t, err)
	require.False(t, result.Replayed)
	return result.Value.(int)
}

// requireSum says that the log itself adds up to sum, with dense positions and versions.
func requireSum(t *testing.T, pool *pgxpool.Pool, stream string, sum int) {
	t.Helper()
	var total, events, firstGap int
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT coalesce(sum((data->>'N')::int), 0), count(*) FROM domain_events WHERE stream_id = $1`,
		stream).Scan(&total, &events))
	require.Equal(t, sum, total, "sum of the log")
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM (
		SELECT position - row_number() OVER (ORDER BY position) AS p,
			version - row_number() OVER (PARTITION BY stream_id ORDER BY position) AS v FROM domain_events) d WHERE p <> 0 OR v <> 0`).Scan(&firstGap))
	require.Zero(t, firstGap, "gaps in positions or versions")
}
