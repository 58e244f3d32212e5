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
)

func evolve(s counter, e added) counter { return counter{Sum: s.Sum + e.N} }

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
func start(t *testing.T, pool *pgxpool.Pool, clock func() time.Time) (e *engine.Engine, stop func()) {
	t.Helper()
	return startMeasured(t, pool, clock, nil)
}

func startMeasured(t *testing.T, pool *pgxpool.Pool, clock func() time.Time, metrics prometheus.Registerer) (e *engine.Engine, stop func()) {
	t.Helper()
	e = engine.New(engine.Config{
		Registerer: metrics,
		Pool:       pool, Registry: registry(), Clock: clock, Logger: slog.New(slog.DiscardHandler),
		Aggregates: []engine.Aggregate{engine.Define("counter", evolve).WithSnapshots(1)},
	})
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

func failedBatches(t *testing.T, metrics prometheus.Gatherer) (failed float64) {
	t.Helper()
	families, err := metrics.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() != "ticketing_engine_failed_batches_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			failed += m.GetCounter().GetValue()
		}
	}
	return failed
}

// add counts up, and answers the sum that it decided from plus n.
func add(stream string, n int) engine.Request {
	return engine.Request{
		Metadata: eventstore.Metadata{CorrelationID: "test", Actor: "usr_test"},
		Streams:  []string{stream},
		Decide: func(tx *engine.Tx) (engine.Decided, error) {
			if _, err := engine.Load[counter](tx, stream); err != nil {
				return engine.Decided{}, err
			}
			sum := engine.Append[counter](tx, stream, []added{{N: n}}).Sum
			return engine.Decided{Ref: strconv.Itoa(sum), Value: sum}, nil
		},
	}
}

// addUpTo counts up by one, and rejects what would be more than limit.
func addUpTo(stream string, limit int) engine.Request {
	r := add(stream, 1)
	accept := r.Decide
	r.Decide = func(tx *engine.Tx) (engine.Decided, error) {
		s, err := engine.Load[counter](tx, stream)
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

func withKey(r engine.Request, key, request string) engine.Request {
	r.Key = &engine.Key{Actor: r.Metadata.Actor, Key: key, Hash: []byte(request)}
	return r
}

func execute(t *testing.T, e *engine.Engine, r engine.Request) int {
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
