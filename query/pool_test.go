package query_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
	"ticketing/query"
)

func newSharedPool(t *testing.T) (*query.Pool, *prometheus.Registry) {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(testenv.EmptyDatabase(t))
	require.NoError(t, err)
	cfg.MaxConns = 16 // two for each caller
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	registry := prometheus.NewRegistry()
	return query.NewPool(pool, registry), registry
}

// counted returns a counter.
func counted(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if family.GetName() == name {
			return family.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

func TestACallerCannotTakeAllConnections(t *testing.T) {
	t.Parallel()
	pool, registry := newSharedPool(t)
	greedy, stop := context.WithCancel(query.WithCaller(t.Context(), "greedy"))
	ended := make(chan error, 20)
	for range cap(ended) {
		go func() {
			_, err := pool.Exec(greedy, `SELECT pg_sleep(60)`)
			ended <- err
		}()
	}
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		return counted(t, registry, "ticketing_read_share_waits_total") == 18, "not all have begun"
	})
	for _, caller := range []string{"modest", ""} {
		var one int
		began := time.Now()
		require.NoError(t, pool.QueryRow(query.WithCaller(t.Context(), caller), `SELECT 1`).Scan(&one))
		require.Less(t, time.Since(began), time.Second)
	}
	stop()
	for range cap(ended) {
		require.ErrorIs(t, <-ended, context.Canceled)
	}
	var one int
	require.NoError(t, pool.QueryRow(query.WithCaller(t.Context(), "greedy"), `SELECT 1`).Scan(&one), "its share is free again")
}

func TestARowsConnectionIsFreeAfterTheLastRow(t *testing.T) {
	t.Parallel()
	pool, _ := newSharedPool(t)
	ctx := query.WithCaller(t.Context(), "one")
	for i := range 20 {
		rows, err := pool.Query(ctx, `SELECT generate_series(1, 3)`)
		require.NoError(t, err)
		for i%2 == 0 && rows.Next() { // every second one is left before its end
		}
		rows.Close()
		require.NoError(t, rows.Err())
		var n int
		require.Error(t, pool.QueryRow(ctx, `SELECT nonsense`).Scan(&n))
	}
}

func TestAReadDoesNotWaitForeverForAConnection(t *testing.T) {
	t.Parallel()
	pool, registry := newSharedPool(t)
	for range 16 { // all of them
		rows, err := pool.Query(t.Context(), `SELECT generate_series(1, 100000)`)
		require.NoError(t, err)
		defer rows.Close()
	}
	began := time.Now()
	_, err := pool.Exec(t.Context(), `SELECT 1`)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.InDelta(t, 2, time.Since(began).Seconds(), 1)
	require.Equal(t, 1, int(counted(t, registry, "ticketing_read_acquire_timeouts_total")))
}
