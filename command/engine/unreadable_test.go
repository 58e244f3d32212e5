package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/command/engine"
	"ticketing/internal/testenv"
)

// recordUnknown appends a domain event that this build does not know, as a newer one would.
func recordUnknown(t *testing.T, pool *pgxpool.Pool, id string) {
	t.Helper()
	_, err := pool.Exec(t.Context(), `INSERT INTO domain_events (shard, position, stream_id, version, type, schema_version, data, metadata, recorded_at)
		SELECT 0, (SELECT coalesce(max(position), 0) FROM domain_events) + 1, $1::text,
			(SELECT coalesce(max(version), 0) FROM domain_events WHERE stream_id = $1) + 1, 'Multiplied', 1, '{}', '{}', now()`, counters.Stream(id))
	require.NoError(t, err)
}

// soon is how long a command may take that waits for no other, on a busy machine.
const soon = 2 * time.Second

func TestStreamsThatThisBuildCannotReadHoldUpNoOther(t *testing.T) {
	t.Parallel()
	pool := newPool(t, logDB(t), nil)
	e, _ := start(t, pool, nil)
	const unreadable = 50
	for i := range unreadable {
		recordUnknown(t, pool, fmt.Sprint("new", i))
	}
	began := time.Now()
	var all sync.WaitGroup
	for i := range unreadable {
		all.Go(func() {
			_, err := e.Execute(t.Context(), add(fmt.Sprint("new", i), 1))
			if !errors.Is(err, engine.ErrUnavailable) {
				t.Errorf("returned %v", err)
			}
		})
	}
	mustExecute(t, e, add("1", 1))
	all.Wait()
	require.Less(t, time.Since(began), soon)
}

func TestAReplicaThatAppendsWhatThisBuildCannotReadHoldsUpNoOtherStream(t *testing.T) {
	t.Parallel()
	pool := newPool(t, logDB(t), nil)
	e, _ := start(t, pool, nil)
	mustExecute(t, e, add("1", 1))
	mustExecute(t, e, add("2", 1))
	recordUnknown(t, pool, "1")
	release := e.OccupyLoop()
	var unreadable, readable error
	var both sync.WaitGroup
	both.Go(func() { _, unreadable = e.Execute(t.Context(), add("1", 1)) })
	both.Go(func() { _, readable = e.Execute(t.Context(), add("2", 1)) })
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return e.Waiting() == 2, "the commands are not in the queue" })
	release()
	both.Wait()
	require.ErrorIs(t, unreadable, engine.ErrUnavailable)
	require.NoError(t, readable)
}

func TestStreamsThatCannotBeLoadedHoldUpNoOther(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	pool := newPool(t, logDB(t), func(c *pgxpool.Config) {
		c.PrepareConn = func(context.Context, *pgx.Conn) (bool, error) {
			if down.Load() {
				return true, errors.New("out of connections")
			}
			return true, nil
		}
	})
	e, _ := start(t, pool, nil)
	mustExecute(t, e, add("1", 1))
	down.Store(true)
	began := time.Now()
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			_, err := e.Execute(t.Context(), add(fmt.Sprint("cold", i), 1))
			if !errors.Is(err, engine.ErrUnavailable) {
				t.Errorf("returned %v", err)
			}
		})
	}
	mustExecute(t, e, add("1", 1)) // the loop has its stream and its own connection
	require.Less(t, time.Since(began), soon)
	all.Wait()
	require.Less(t, time.Since(began), 2*soon)
}
