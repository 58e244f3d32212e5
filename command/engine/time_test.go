package engine_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/engine"
	"ticketing/internal/testenv"
)

// timeOf adds one and returns the time of the decision.
func timeOf(t *testing.T, e *engine.Engine, id string) (now time.Time) {
	t.Helper()
	mustExecute(t, e, whileDecidingTx(add(id, 1), func(tx *engine.Tx) { now = tx.Now }))
	return now
}

func whileDecidingTx(r engine.Request, f func(tx *engine.Tx)) engine.Request {
	decide := r.Decide
	r.Decide = func(tx *engine.Tx) (engine.Decided, error) {
		f(tx)
		return decide(tx)
	}
	return r
}

// All replicas decide by one clock, the database's, whatever their own say.
func TestTheTimeOfADecisionIsTheDatabases(t *testing.T) {
	t.Parallel()
	url := logDB(t)
	at := time.Date(2031, 5, 6, 7, 8, 9, 123456000, time.UTC)
	clock := testenv.NewStoppedClock(t, url, at)
	pool := newPool(t, url, nil)
	one, _ := start(t, pool, nil)
	two, _ := start(t, newPool(t, url, nil), nil)
	require.Equal(t, at, timeOf(t, one, "1"))
	require.Equal(t, at, timeOf(t, two, "1"))
	clock.Move(time.Minute)
	require.Equal(t, at.Add(time.Minute), timeOf(t, one, "1"))
	var recorded []time.Time
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT array_agg(recorded_at ORDER BY position) FROM domain_events`).Scan(&recorded))
	for i, want := range []time.Time{at, at, at.Add(time.Minute)} {
		require.Equal(t, want, recorded[i].UTC())
	}
}

// After a failover to a server whose clock is behind, time stands still until that clock has caught up.
func TestTimeNeverRunsBackwards(t *testing.T) {
	t.Parallel()
	url := logDB(t)
	clock := testenv.NewStoppedClock(t, url, time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC))
	e, _ := start(t, newPool(t, url, nil), nil)
	last := timeOf(t, e, "1")
	clock.Move(-10 * time.Minute)
	require.Equal(t, last, timeOf(t, e, "1"))
	clock.Move(10*time.Minute + time.Second)
	require.Equal(t, last.Add(time.Second), timeOf(t, e, "1"))
}
