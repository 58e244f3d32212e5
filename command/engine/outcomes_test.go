package engine_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"ticketing/command/engine"
	"ticketing/command/rejection"
	internalredis "ticketing/internal/redis"
	"ticketing/internal/testenv"
)

// quick is an engine that caches outcomes in a Redis of its own.
type quick struct {
	*engine.Engine
	t       *testing.T
	pool    *pgxpool.Pool
	redis   *redis.Client
	server  *testenv.RedisProc
	metrics *prometheus.Registry
	clock   *testenv.Clock
}

func startQuick(t *testing.T) *quick {
	t.Helper()
	q := &quick{t: t, pool: newPool(t, logDB(t), nil), server: testenv.RedisServer(t), metrics: prometheus.NewRegistry()}
	q.redis = redisClient(t, q.server.URL())
	q.clock = testenv.NewClock(t, q.pool.Config().ConnString())
	q.Engine, _ = startWith(t, q.pool, func(c *engine.Config) { c.Registerer, c.Outcomes = q.metrics, q.redis })
	return q
}

func redisClient(t *testing.T, url string) *redis.Client {
	t.Helper()
	client, err := internalredis.Lazy(url, internalredis.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// awaitCached waits until so many outcomes are in Redis.
func (q *quick) awaitCached(n int64) {
	q.t.Helper()
	testenv.Eventually(q.t, testenv.Patience, func() (bool, string) {
		size, err := q.redis.DBSize(q.t.Context()).Result()
		return err == nil && size >= n, "not in Redis"
	})
}

// recalled returns how many outcomes came from Redis.
func (q *quick) recalled() float64 { return counted(q.t, q.metrics, "recalled_outcomes_total") }

// retryWhileBlocked executes a command while the loop is busy: only Redis can have its outcome.
func (q *quick) retryWhileBlocked(r engine.Request) (engine.Result, error) {
	q.t.Helper()
	release := block(q.t, q.Engine)
	defer release()
	ctx, cancel := context.WithTimeout(q.t.Context(), testenv.Patience)
	defer cancel()
	return q.Execute(ctx, r)
}

func TestARetryFindsItsOutcomeInRedisWithoutTheQueue(t *testing.T) {
	t.Parallel()
	q := startQuick(t)
	mustExecute(t, q.Engine, withKey(add("1", 5), "k", "five"))
	_, err := q.Execute(t.Context(), withKey(addUpTo("1", 0), "full", "r"))
	require.Error(t, err)
	q.awaitCached(2)

	result, err := q.retryWhileBlocked(withKey(add("1", 5), "k", "five"))
	require.NoError(t, err)
	require.True(t, result.Replayed)
	require.Equal(t, "5", result.Ref)
	_, err = q.retryWhileBlocked(withKey(add("1", 6), "k", "six"))
	r, ok := rejection.As(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, rejection.IdempotencyKeyReused, r.Code)
	_, err = q.retryWhileBlocked(withKey(addUpTo("1", 100), "full", "r"))
	r, ok = rejection.As(err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "0 is the limit", r.Message)
	require.InDelta(t, 3, q.recalled(), 0)
	requireSum(t, q.pool, "counter-1", 5)
}

func TestOutcomesInRedisHaveNothingPersonal(t *testing.T) {
	t.Parallel()
	q := startQuick(t)
	mustExecute(t, q.Engine, withKey(add("1", 5), "reserveSeats:alice@example.com", "five"))
	q.awaitCached(1)
	names, err := q.redis.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	require.Len(t, names, 1)
	value, err := q.redis.Get(t.Context(), names[0]).Result()
	require.NoError(t, err)
	require.NotContains(t, names[0]+value, "alice")
	require.NotContains(t, names[0]+value, "usr_test")
	ttl, err := q.redis.TTL(t.Context(), names[0]).Result()
	require.NoError(t, err)
	require.Positive(t, ttl)
	require.LessOrEqual(t, ttl, 24*time.Hour)
}

func TestAKeyThatMayBeOutdatedIsNotInRedis(t *testing.T) {
	t.Parallel()
	q := startQuick(t)
	keyed := withKey(add("1", 1), "k", "r")
	keyed.Key.Releasable = true
	mustExecute(t, q.Engine, keyed)
	result, err := q.Execute(t.Context(), keyed)
	require.NoError(t, err)
	require.True(t, result.Replayed)
	mustExecute(t, q.Engine, withKey(add("1", 10), "other", "r")) // is written after it
	q.awaitCached(1)
	require.EqualValues(t, 1, q.redis.DBSize(t.Context()).Val())
	keyed.Outdated = func(*engine.Tx, string) (bool, error) { return true, nil }
	require.Equal(t, 12, mustExecute(t, q.Engine, keyed), "decided again")
	require.Zero(t, q.recalled())
}

func TestAnOutcomeInRedisExpiresByTheLogsTime(t *testing.T) {
	t.Parallel()
	q := startQuick(t)
	keyed := withKey(add("1", 1), "k", "r")
	mustExecute(t, q.Engine, keyed)
	q.awaitCached(1)
	q.clock.Move(25 * time.Hour)
	mustExecute(t, q.Engine, add("other", 1)) // sees what time it is
	require.Equal(t, 2, mustExecute(t, q.Engine, keyed))
	require.Zero(t, q.recalled())
}

func TestANewIncarnationForgetsTheOutcomesInRedis(t *testing.T) {
	t.Parallel()
	q := startQuick(t)
	keyed := withKey(add("1", 100), "k", "r")
	mustExecute(t, q.Engine, keyed)
	q.awaitCached(1)
	for _, lost := range []string{`DELETE FROM domain_events`, `DELETE FROM idempotency_keys`, `UPDATE log_incarnation SET incarnation = gen_random_uuid()`} {
		_, err := q.pool.Exec(t.Context(), lost)
		require.NoError(t, err)
	}
	mustExecute(t, q.Engine, add("2", 1)) // sees the new incarnation
	require.Equal(t, 100, mustExecute(t, q.Engine, keyed))
	require.Zero(t, q.recalled())
}

func TestLosingRedisChangesNothingButSpeed(t *testing.T) {
	t.Parallel()
	q := startQuick(t)
	mustExecute(t, q.Engine, withKey(add("1", 5), "before", "five"))
	q.awaitCached(1)
	q.server.Kill()
	var replayed atomic.Int64
	var clients sync.WaitGroup
	for i := range 50 {
		clients.Go(func() {
			key := []string{"before", "meanwhile"}[i%2]
			result, err := q.Execute(t.Context(), withKey(add("1", 5), key, "five"))
			if err != nil || result.Ref != map[string]string{"before": "5", "meanwhile": "10"}[key] {
				t.Errorf("%s returned %+v, %v", key, result, err)
			}
			if result.Replayed {
				replayed.Add(1)
			}
		})
	}
	clients.Wait()
	require.EqualValues(t, 49, replayed.Load())
	require.Zero(t, q.recalled())
	requireSum(t, q.pool, "counter-1", 10)

	q.server.Wipe()
	q.server.Start()
	// A command finds that it works again, and from then on outcomes are stored.
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		mustExecute(t, q.Engine, withKey(add("2", 1), "after"+time.Now().String(), "one"))
		return q.redis.DBSize(t.Context()).Val() > 0, "nothing is cached"
	})
	result, err := q.Execute(t.Context(), withKey(add("1", 5), "before", "five"))
	require.NoError(t, err)
	require.True(t, result.Replayed)
	requireSum(t, q.pool, "counter-1", 10)
}

// asked counts the questions that a client is asked.
type asked struct{ atomic.Int64 }

func (a *asked) DialHook(next redis.DialHook) redis.DialHook { return next }

func (a *asked) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		a.Add(1)
		return next(ctx, cmd)
	}
}

func (a *asked) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		a.Add(1)
		return next(ctx, cmds)
	}
}

func TestARedisThatHangsIsAskedOnceASecond(t *testing.T) {
	t.Parallel()
	hanging, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	go func() {
		for {
			conn, err := hanging.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			defer conn.Close() // and sends nothing until the test is over
		}
	}()
	t.Cleanup(func() { _ = hanging.Close() })
	client := redisClient(t, "redis://"+hanging.Addr().String())
	var questions asked
	client.AddHook(&questions)
	pool := newPool(t, logDB(t), nil)
	e, _ := startWith(t, pool, func(c *engine.Config) { c.Outcomes = client })
	mustExecute(t, e, add("1", 1))
	began := time.Now()
	const commands = 100
	for i := range commands {
		mustExecute(t, e, withKey(add("1", 1), strings.Repeat("k", i+1), "r"))
	}
	// A read and a write may both be on their way before the first of them times out, and one more write behind it.
	allowed := 3 + int64(time.Since(began)/time.Second)
	require.LessOrEqual(t, questions.Load(), allowed, "of %d commands in %s", commands, time.Since(began))
	require.Positive(t, questions.Load())
	requireSum(t, pool, "counter-1", commands+1)
}
