package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"ticketing/command/engine"
	"ticketing/command/rejection"
	"ticketing/internal/testenv"
)

func TestReplicasNeverDecideFromAStaleState(t *testing.T) {
	t.Parallel()
	metrics := prometheus.NewRegistry()
	url := logDB(t)
	const replicas, callers, limit = 3, 60, 100
	var accepted, rejected atomic.Int64
	var wg sync.WaitGroup
	for i := range replicas {
		e, _ := start(t, newPool(t, url, nil), prometheus.WrapRegistererWith(prometheus.Labels{"replica": strconv.Itoa(i)}, metrics))
		for range callers {
			wg.Go(func() {
				_, err := e.Execute(t.Context(), addUpTo("hot", limit))
				if r, ok := rejection.As(err); ok && r.Code == rejection.InsufficientInventory {
					rejected.Add(1)
					return
				}
				if err == nil {
					accepted.Add(1)
				}
			})
		}
	}
	wg.Wait()
	require.Zero(t, failedBatches(t, metrics), "a batch in conflict was decided from a stale state")
	require.EqualValues(t, limit, accepted.Load())
	require.EqualValues(t, replicas*callers-limit, rejected.Load())
	requireSum(t, newPool(t, url, nil), "counter-hot", limit)
}

func TestARejectionIsAsExactAsAnAcceptance(t *testing.T) {
	t.Parallel()
	url := logDB(t)
	one, _ := start(t, newPool(t, url, nil), nil)
	two, _ := start(t, newPool(t, url, nil), nil)
	const limit = 3
	for range 5 {
		for range limit {
			mustExecute(t, one, addUpTo("1", limit))
		}
		_, err := two.Execute(t.Context(), addUpTo("1", limit))
		_, rejected := rejection.As(err)
		require.True(t, rejected, "two must see what one took: %v", err)
		mustExecute(t, one, add("1", -limit))
		mustExecute(t, two, addUpTo("1", limit))
		mustExecute(t, one, add("1", -1))
	}
}

func TestARejectionAppendsNothing(t *testing.T) {
	t.Parallel()
	pool := newPool(t, logDB(t), nil)
	e, _ := start(t, pool, nil)
	_, err := e.Execute(t.Context(), addUpTo("1", 0))
	r, ok := rejection.As(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, rejection.InsufficientInventory, r.Code)
	requireSum(t, pool, "counter-1", 0)
}

func TestADecisionMayAskForAStreamThatItDidNotAnnounce(t *testing.T) {
	t.Parallel()
	pool := newPool(t, logDB(t), nil)
	first, stop := start(t, pool, nil)
	mustExecute(t, first, add("other", 7))
	stop()
	e, _ := start(t, pool, nil)
	r := add("1", 1)
	decide := r.Decide
	r.Decide = func(tx *engine.Tx) (engine.Decided, error) {
		other, err := counters.Load(tx, "other")
		if err != nil {
			return engine.Decided{}, err
		}
		if other.Sum != 7 {
			return engine.Decided{}, fmt.Errorf("saw %d", other.Sum)
		}
		return decide(tx)
	}
	require.Equal(t, 1, mustExecute(t, e, r))
}

func TestACommandThatFailsAfterStagingFailsAlone(t *testing.T) {
	t.Parallel()
	pool := newPool(t, logDB(t), nil)
	e, _ := start(t, pool, nil)
	broken := add("1", 1000)
	decide := broken.Decide
	broken.Decide = func(tx *engine.Tx) (engine.Decided, error) {
		if _, err := decide(tx); err != nil {
			return engine.Decided{}, err
		}
		panic("broken invariant")
	}
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			if i == 25 {
				_, err := e.Execute(t.Context(), broken)
				if err == nil || errors.Is(err, engine.ErrUnavailable) {
					t.Errorf("the broken command returned %v", err)
				}
				return
			}
			if _, err := e.Execute(t.Context(), add("1", 1)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	requireSum(t, pool, "counter-1", 49)
}

func TestAReplicaThatIsFarBehindLoadsAgain(t *testing.T) {
	t.Parallel()
	url := logDB(t)
	slow, _ := start(t, newPool(t, url, nil), nil)
	busy, _ := start(t, newPool(t, url, nil), nil)
	mustExecute(t, slow, add("1", 1))
	const more = 2_500 // more than is read under the lock
	require.Equal(t, 1+more, mustExecute(t, busy, add("1", slices.Repeat([]int{1}, more)...)))
	require.Equal(t, 2+more, mustExecute(t, slow, add("1", 1)))
}

func TestALongStreamStartsFromItsSnapshot(t *testing.T) {
	t.Parallel()
	pool := newPool(t, logDB(t), nil)
	e, stop := start(t, pool, nil)
	mustExecute(t, e, add("1", make([]int, 1_500)...))
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		var version int64
		err := pool.QueryRow(t.Context(), `SELECT version FROM snapshots WHERE stream_id = 'counter-1'`).Scan(&version)
		return err == nil && version == 1_500, fmt.Sprintf("snapshot at %d: %v", version, err)
	})
	stop()
	// A snapshot that differs from the log shows whether it was read.
	_, err := pool.Exec(t.Context(), `UPDATE snapshots SET data = '{"Sum": 40}'`)
	require.NoError(t, err)
	again, stop := start(t, pool, nil)
	require.Equal(t, 42, mustExecute(t, again, add("1", 2)))
	stop()
	_, err = pool.Exec(t.Context(), `UPDATE snapshots SET data = 'not a snapshot'`)
	require.NoError(t, err)
	third, _ := start(t, pool, nil)
	require.Equal(t, 2+2, mustExecute(t, third, add("1", 2)), "from the log, which has 1,500 zeros and a two")
}

func TestACallerWhoLeftIsNotDecidedFor(t *testing.T) {
	t.Parallel()
	pool := newPool(t, logDB(t), nil)
	e, _ := start(t, pool, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := e.Execute(ctx, add("1", 1))
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 1, mustExecute(t, e, add("1", 1)))
}

func TestAFullQueueRefusesAtOnce(t *testing.T) {
	t.Parallel()
	pool := newPool(t, logDB(t), nil)
	e, _ := start(t, pool, nil)
	deciding, goOn := make(chan struct{}), make(chan struct{})
	blocker := add("1", 1)
	decide := blocker.Decide
	blocker.Decide = func(tx *engine.Tx) (engine.Decided, error) {
		close(deciding)
		<-goOn
		return decide(tx)
	}
	const queueSize = 16_384
	var wg sync.WaitGroup
	var refused atomic.Int64
	wg.Go(func() { _, _ = e.Execute(t.Context(), blocker) })
	<-deciding
	for range queueSize + 9 {
		wg.Go(func() {
			if _, err := e.Execute(t.Context(), add("2", 1)); errors.Is(err, engine.ErrUnavailable) {
				if refused.Add(1) == 10 {
					close(goOn)
				}
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 10, refused.Load())
	requireSum(t, pool, "counter-2", queueSize-1)
}

func TestStoppingFinishesWhatWasAccepted(t *testing.T) {
	t.Parallel()
	pool := newPool(t, logDB(t), nil)
	e, stop := start(t, pool, nil)
	deciding := make(chan struct{})
	var once sync.Once
	var accepted atomic.Int64
	var wg sync.WaitGroup
	for range 200 {
		r := add("1", 1)
		decide := r.Decide
		r.Decide = func(tx *engine.Tx) (engine.Decided, error) {
			once.Do(func() { close(deciding) })
			return decide(tx)
		}
		wg.Go(func() {
			if _, err := e.Execute(t.Context(), r); err == nil {
				accepted.Add(1)
			}
		})
	}
	<-deciding
	stop()
	wg.Wait()
	requireSum(t, pool, "counter-1", int(accepted.Load()))
	_, err := e.Execute(t.Context(), add("1", 1))
	require.ErrorIs(t, err, engine.ErrUnavailable)
}
