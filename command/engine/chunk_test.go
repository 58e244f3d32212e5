package engine_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/command/engine"
	"ticketing/internal/testenv"
)

// A batch goes to PostgreSQL in chunks of 64 commands while the loop decides on: these are more than one.
const inTwoChunks = 70

// batchOf executes commands in one batch, in order, and returns their errors.
func batchOf(t *testing.T, e *engine.Engine, requests ...engine.Request) []error {
	t.Helper()
	release := e.OccupyLoop()
	errs := make([]error, len(requests))
	var waiting sync.WaitGroup
	for i, r := range requests {
		waiting.Go(func() { _, errs[i] = e.Execute(t.Context(), r) })
		testenv.Eventually(t, testenv.Patience, func() (bool, string) { return e.Waiting() == int64(i)+1, "the command is not in the queue" })
	}
	release()
	waiting.Wait()
	return errs
}

// keyedAdds counts how often each of n commands was decided: more often than once when their batch failed.
func keyedAdds(n int, decided *atomic.Int64) []engine.Request {
	requests := make([]engine.Request, n)
	for i := range requests {
		requests[i] = withKey(counting(add("1", 1), decided), strconv.Itoa(i), "one")
	}
	return requests
}

func counting(r engine.Request, decided *atomic.Int64) engine.Request {
	decide := r.Decide
	r.Decide = func(tx *engine.Tx) (engine.Decided, error) {
		decided.Add(1)
		return decide(tx)
	}
	return r
}

func requireKeys(t *testing.T, pool *pgxpool.Pool, n int) {
	t.Helper()
	var keys int
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM idempotency_keys`).Scan(&keys))
	require.Equal(t, n, keys, "idempotency keys")
}

func TestABatchOfSeveralChunksIsOneAppend(t *testing.T) {
	t.Parallel()
	pool := newPool(t, logDB(t), nil)
	e, _ := start(t, pool, nil)
	e.DecideWholeBatches()
	var decided atomic.Int64
	for i, err := range batchOf(t, e, keyedAdds(200, &decided)...) {
		require.NoError(t, err, "command %d", i)
	}
	require.EqualValues(t, 200, decided.Load())
	requireSum(t, pool, "counter-1", 200)
	requireKeys(t, pool, 200)
	var transactions int
	err := pool.QueryRow(t.Context(), `SELECT count(DISTINCT xmin::text) FROM domain_events WHERE stream_id = 'counter-1'`).Scan(&transactions)
	require.NoError(t, err)
	require.Equal(t, 1, transactions)
}

func TestACommandThatPanicsLeavesTheChunkBeforeItAlone(t *testing.T) {
	t.Parallel()
	pool := newPool(t, logDB(t), nil)
	e, _ := start(t, pool, nil)
	e.DecideWholeBatches()
	require.NoError(t, e.KeepIdleHolder(t.Context()))
	broken := add("1", 1000)
	decide := broken.Decide
	broken.Decide = func(tx *engine.Tx) (engine.Decided, error) {
		if _, err := decide(tx); err != nil {
			return engine.Decided{}, err
		}
		awaitChunk(t, pool)
		panic("broken invariant")
	}
	var decided atomic.Int64
	errs := batchOf(t, e, append(keyedAdds(inTwoChunks, &decided), broken)...)
	require.ErrorContains(t, errs[inTwoChunks], "broken invariant")
	for i, err := range errs[:inTwoChunks] {
		require.NoError(t, err, "command %d", i)
	}
	require.EqualValues(t, inTwoChunks, decided.Load(), "the others are decided once")
	requireSum(t, pool, "counter-1", inTwoChunks)
	requireKeys(t, pool, inTwoChunks)
}

// awaitChunk waits until PostgreSQL has inserted a chunk of a batch that is still being decided.
func awaitChunk(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		var state, query string
		err := pool.QueryRow(context.WithoutCancel(t.Context()), `SELECT state, query FROM pg_stat_activity
			WHERE application_name = 'ticketing engine' AND datname = current_database()`).Scan(&state, &query)
		return err == nil && state == "idle in transaction" && query[:4] == "WITH", fmt.Sprintf("%s after %q: %v", state, query, err)
	})
}

func TestAChunkThatPostgresRefusesFailsAlone(t *testing.T) {
	t.Parallel()
	pool := newPool(t, logDB(t), nil)
	e, _ := start(t, pool, nil)
	e.DecideWholeBatches()
	refused := engine.Request{Decide: func(tx *engine.Tx) (engine.Decided, error) {
		_, err := counters.Create(tx, "\x00", count{1}) // PostgreSQL has no such text
		return engine.Decided{}, err
	}}
	var decided atomic.Int64
	errs := batchOf(t, e, append([]engine.Request{refused}, keyedAdds(inTwoChunks, &decided)...)...)
	require.ErrorIs(t, errs[0], engine.ErrUnavailable)
	for i, err := range errs[1:] {
		require.NoError(t, err, "command %d", i)
	}
	requireSum(t, pool, "counter-1", inTwoChunks)
	requireKeys(t, pool, inTwoChunks)
}

func TestASessionThatDiesBetweenChunksLosesNothing(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testing.T, *pgxpool.Pool){
		"killed": func(t *testing.T, pool *pgxpool.Pool) {
			t.Helper()
			awaitChunk(t, pool)
			_, err := pool.Exec(context.WithoutCancel(t.Context()), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE application_name = 'ticketing engine' AND datname = current_database()`)
			if err != nil {
				t.Error(err)
			}
		},
		"frozen": freezeUntilEnded,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := newPool(t, logDB(t), nil)
			e, _ := start(t, pool, nil)
			e.DecideWholeBatches()
			if name == "killed" {
				require.NoError(t, e.KeepIdleHolder(t.Context()))
			}
			var decided atomic.Int64
			requests := keyedAdds(inTwoChunks, &decided)
			last := &requests[inTwoChunks-1]
			*last = whileDeciding(*last, func() { end(t, pool) })
			for i, err := range batchOf(t, e, requests...) {
				require.NoError(t, err, "command %d", i)
			}
			require.EqualValues(t, 2*inTwoChunks, decided.Load())
			requireSum(t, pool, "counter-1", inTwoChunks)
			requireKeys(t, pool, inTwoChunks)
		})
	}
}

// Costly decisions of one batch would make all callers wait for the last of them.
func TestABatchEndsWhenDecidingTakesLong(t *testing.T) {
	pool := newPool(t, logDB(t), nil)
	e, stop := start(t, pool, nil)
	defer stop()
	var decided atomic.Int64
	batches := make([]time.Time, 3)
	requests := make([]engine.Request, len(batches))
	for i := range requests {
		r := counting(add("1", 1), &decided)
		decide := r.Decide
		r.Decide = func(tx *engine.Tx) (engine.Decided, error) {
			batches[i] = tx.Now
			time.Sleep(60 * time.Millisecond) // a costly decision: what the test is about
			return decide(tx)
		}
		requests[i] = r
	}
	for _, err := range batchOf(t, e, requests...) {
		require.NoError(t, err)
	}
	require.EqualValues(t, len(requests), decided.Load())
	require.True(t, batches[0].Before(batches[1]) && batches[1].Before(batches[2]), "%v", batches)
	requireSum(t, pool, "counter-1", 3)
}
