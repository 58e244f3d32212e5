package engine_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/engine"
)

// A sale may begin an hour after the installation: PostgreSQL has planned the engine's statements over tables that were almost empty then,
// knows no better until it analyzes them, and must not read all of them under the lock.
func TestPlansThatWereMadeOverEmptyTablesReadFullOnesByIndex(t *testing.T) {
	t.Parallel()
	const many = 50_000
	url := logDB(t)
	pool := newPool(t, url, nil)
	_, err := pool.Exec(t.Context(), `ALTER TABLE idempotency_keys SET (autovacuum_enabled = off); ALTER TABLE domain_events SET (autovacuum_enabled = off)`)
	require.NoError(t, err)
	one, stopOne := start(t, newPool(t, url, nil), nil)
	two, stopTwo := start(t, newPool(t, url, nil), nil)
	sell := func(round int) {
		var wg sync.WaitGroup
		for i := range 40 {
			e := []*engine.Engine{one, two}[i%2] // so that each has something to catch up with
			wg.Go(func() {
				_, err := e.Execute(t.Context(), withKey(add("1", 1), fmt.Sprintf("k%d-%d", round, i), "one"))
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	for round := range 10 { // PostgreSQL keeps a plan for all parameters from the sixth time on
		sell(round)
	}
	_, err = pool.Exec(t.Context(), `
		INSERT INTO idempotency_keys (actor, key, request_hash, outcome, expires_at)
			SELECT 'usr_' || n, 'k', '', '{}', now() + interval '1 day' FROM generate_series(1, $1::int) n`, many)
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `
		INSERT INTO domain_events (shard, position, stream_id, version, type, schema_version, data, metadata, recorded_at)
			SELECT 0, 1000000 + n, 'counter-other' || n, 1, 'Added', 1, '{}', '{}', now() FROM generate_series(1, $1::int) n`, many)
	require.NoError(t, err)
	for round := range 10 {
		sell(10 + round)
	}

	stopOne()
	stopTwo() // a session that ends has its counts written
	var read int64
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT sum(seq_tup_read) FROM pg_stat_user_tables
		WHERE relname IN ('idempotency_keys', 'domain_events')`).Scan(&read))
	require.Less(t, read, int64(many), "rows that were read without an index")
}
