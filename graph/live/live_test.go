package live_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"ticketing/graph/live"
	"ticketing/internal/testenv"
)

type row struct {
	id      string
	version int64
}

// table is what a feed reads. It counts the reads.
type table struct {
	mu      sync.Mutex
	rows    map[string]row
	queries [][]string
	err     error
	gate    chan struct{} // when set, reads wait for it
	panics  bool          // the next read does
}

func (tb *table) load(ctx context.Context, ids []string) (map[string]row, error) {
	tb.mu.Lock()
	gate := tb.gate
	tb.queries = append(tb.queries, ids)
	tb.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	tb.mu.Lock()
	defer tb.mu.Unlock()
	if tb.panics {
		tb.panics = false
		panic("a bug")
	}
	found := map[string]row{}
	for _, id := range ids {
		if r, ok := tb.rows[id]; ok {
			found[id] = r
		}
	}
	return found, tb.err
}

func (tb *table) set(id string, version int64) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.rows[id] = row{id, version}
}

func (tb *table) count() int {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	return len(tb.queries)
}

type env struct {
	t     *testing.T
	table *table
	feed  *live.Feed[row]
	redis *redis.Client
	proc  *testenv.RedisProc
}

func start(t *testing.T) *env {
	t.Helper()
	proc := testenv.RedisServer(t)
	options, err := redis.ParseURL(proc.URL())
	require.NoError(t, err)
	client := redis.NewClient(options)
	e := &env{t: t, table: &table{rows: map[string]row{}}, redis: client, proc: proc}
	hub := live.NewHub(live.Config{Redis: client, Logger: slog.New(slog.DiscardHandler)})
	e.feed = live.NewFeed(hub, live.Source[row]{
		Channels: func(id string) []string { return []string{"test:" + id} },
		Load:     e.table.load,
		Version:  func(r row) int64 { return r.version },
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- hub.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
		_ = client.Close()
	})
	return e
}

// move changes a row and announces it, as a projector does.
func (e *env) move(id string, version int64) {
	e.t.Helper()
	e.table.set(id, version)
	require.NoError(e.t, e.redis.Publish(e.t.Context(), "test:"+id, strconv.FormatInt(version, 10)).Err())
}

// follow starts a stream and returns its first state.
func (e *env) follow(id string) (<-chan *row, int64) {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.t.Context(), testenv.Patience)
	e.t.Cleanup(cancel)
	watch := e.feed.Watch(id)
	first, err := watch.AtLeast(ctx, 0)
	require.NoError(e.t, err)
	states, _ := watch.Stream(ctx, first)
	return states, (<-states).version
}

func next(t *testing.T, states <-chan *row) int64 {
	t.Helper()
	state, open := <-states
	require.True(t, open, "the stream ended")
	return state.version
}

func TestTheLastStateAlwaysArrivesAndVersionsOnlyRise(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.table.set("a", 1)
	states, last := e.follow("a")
	require.EqualValues(t, 1, last)
	go func() {
		for version := int64(2); version <= 500; version++ {
			e.table.set("a", version)
			e.redis.Publish(context.Background(), "test:a", strconv.FormatInt(version, 10))
		}
	}()
	for last < 500 {
		now := next(t, states)
		require.Greater(t, now, last)
		last = now
	}
}

func TestASlowReaderGetsTheNewestState(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.table.set("a", 1)
	states, _ := e.follow("a")
	witness, _ := e.follow("a")
	for version := int64(2); version <= 20; version++ {
		e.move("a", version)
		require.Equal(t, version, next(t, witness)) // the hub knows it
	}
	// The goroutine of states was woken as often; it takes a moment to read the last state.
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		select {
		case state := <-states:
			return state.version == 20, strconv.FormatInt(state.version, 10)
		default:
			return false, "nothing yet"
		}
	})
}

func TestAtLeastWaitsForTheRow(t *testing.T) {
	t.Parallel()
	e := start(t)
	watch := e.feed.Watch("late")
	defer watch.Close()
	go func() {
		for e.table.count() == 0 {
			time.Sleep(time.Millisecond)
		}
		e.move("late", 3)
	}()
	found, err := watch.AtLeast(t.Context(), 3)
	require.NoError(t, err)
	require.EqualValues(t, 3, found.version)

	never := e.feed.Watch("never")
	defer never.Close()
	began := time.Now()
	_, err = never.AtLeast(t.Context(), 0)
	require.ErrorIs(t, err, live.ErrNotThere)
	require.InDelta(t, 2, time.Since(began).Seconds(), 1)
}

func TestTheErrorOfAReadIsReturned(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.table.err = errors.New("the database is down")
	watch := e.feed.Watch("a")
	defer watch.Close()
	_, err := watch.AtLeast(t.Context(), 0)
	require.ErrorContains(t, err, "the database is down")

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = watch.AtLeast(gone, 0)
	require.ErrorIs(t, err, context.Canceled)
}

func TestAPanicFailsOneRead(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.table.set("a", 1)
	states, _ := e.follow("a")
	e.table.mu.Lock()
	e.table.panics = true
	e.table.mu.Unlock()
	e.move("a", 2)
	require.EqualValues(t, 2, next(t, states), "the next one has it")
}

func TestALostAnnouncementIsMadeUpFor(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.table.set("a", 1)
	states, _ := e.follow("a")
	e.table.set("a", 2) // without an announcement
	require.EqualValues(t, 2, next(t, states))
}

func TestAStreamSurvivesARestartOfRedis(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.table.set("a", 1)
	states, _ := e.follow("a")
	e.proc.Kill()
	e.table.set("a", 2)
	require.EqualValues(t, 2, next(t, states), "without Redis it is late")

	e.table.set("b", 7)
	_, first := e.follow("b")
	require.EqualValues(t, 7, first, "a new watch does not need Redis either")

	e.proc.Start()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		subscribers, err := e.redis.PubSubNumSub(t.Context(), "test:a").Result()
		return err == nil && subscribers["test:a"] == 1, fmt.Sprint(subscribers, err)
	})
	before := e.table.count()
	e.move("a", 3)
	require.EqualValues(t, 3, next(t, states))
	require.LessOrEqual(t, e.table.count(), before+2)
}

func TestAnnouncementsAreReadInOneQuery(t *testing.T) {
	t.Parallel()
	e := start(t)
	const rows = 200
	all := make([]<-chan *row, 0, rows)
	for i := range rows {
		e.table.set(strconv.Itoa(i), 1)
		states, _ := e.follow(strconv.Itoa(i))
		all = append(all, states)
	}
	gate := make(chan struct{})
	e.table.mu.Lock()
	e.table.gate = gate
	e.table.mu.Unlock()
	before := e.table.count()
	for i := range rows {
		e.move(strconv.Itoa(i), 2)
	}
	close(gate)
	for _, states := range all {
		require.EqualValues(t, 2, next(t, states))
	}
	require.Less(t, e.table.count()-before, 10, "what is announced during a query is in the next one")
}

func TestManyWatchesOfOneRowShareItsReads(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.table.set("a", 1)
	const watchers = 300
	all := make([]<-chan *row, 0, watchers)
	for range watchers {
		states, _ := e.follow("a")
		all = append(all, states)
	}
	before := e.table.count()
	e.move("a", 2)
	for _, states := range all {
		require.EqualValues(t, 2, next(t, states))
	}
	require.LessOrEqual(t, e.table.count()-before, 3)
	subscribers, err := e.redis.PubSubNumSub(t.Context(), "test:a").Result()
	require.NoError(t, err)
	require.EqualValues(t, 1, subscribers["test:a"], "one connection a process")
}

func TestAnObjectIsForgottenWithItsLastWatch(t *testing.T) {
	t.Parallel()
	e := start(t)
	e.table.set("a", 1)
	ctx, cancel := context.WithCancel(t.Context())
	watch := e.feed.Watch("a")
	first, err := watch.AtLeast(ctx, 0)
	require.NoError(t, err)
	states, _ := watch.Stream(ctx, first)
	cancel()
	for range states { // until it is closed
	}
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		channels, err := e.redis.PubSubChannels(t.Context(), "test:*").Result()
		return err == nil && len(channels) == 0, fmt.Sprint(channels, err)
	})
	_, again := e.follow("a")
	require.EqualValues(t, 1, again)
}
