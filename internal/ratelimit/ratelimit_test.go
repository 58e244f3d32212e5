package ratelimit_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ticketing/internal/ratelimit"
	"ticketing/internal/testenv"
)

func TestConcurrentRequestsKeepTheLimit(t *testing.T) {
	rdb := connect(t)
	limit := ratelimit.SignIn(10, time.Minute).Ask
	var passed atomic.Int64
	var all sync.WaitGroup
	for range 4 { // processes
		limiter := ratelimit.New(rdb)
		for range 50 {
			all.Go(func() {
				d, err := limiter.Allow(t.Context(), "sign-in", "ann@example.com", limit, 1)
				assert.NoError(t, err)
				if d.Allowed {
					passed.Add(1)
				} else {
					assert.Positive(t, d.RetryAfter)
					assert.LessOrEqual(t, d.RetryAfter, limit.Window)
				}
			})
		}
	}
	all.Wait()
	require.EqualValues(t, 10, passed.Load())
}

func TestEveryWindowKeepsTheLimit(t *testing.T) {
	limiter := ratelimit.New(connect(t))
	limit := ratelimit.Limit{Requests: 5, Window: 300 * time.Millisecond}
	var passed []time.Time
	deadline := time.Now().Add(4 * limit.Window)
	for time.Now().Before(deadline) {
		before := time.Now()
		d := allow(t, limiter, "k", limit, 1)
		if d.Allowed {
			passed = append(passed, before)
			continue
		}
		time.Sleep(d.RetryAfter) // retrying after exactly this time is what is tested
	}
	require.GreaterOrEqual(t, len(passed), 15)
	for i := limit.Requests; i < len(passed); i++ {
		const slack = 10 * time.Millisecond // between this clock and the script's
		gap := passed[i].Sub(passed[i-limit.Requests])
		require.GreaterOrEqual(t, gap, limit.Window-slack, "%d passed within %s", limit.Requests+1, gap)
	}
}

func TestRetryAfterIsEnoughAndNoMore(t *testing.T) {
	limiter := ratelimit.New(connect(t))
	limit := ratelimit.Limit{Requests: 3, Window: 200 * time.Millisecond}
	require.True(t, allow(t, limiter, "k", limit, 3).Allowed, "within the limit")
	d := allow(t, limiter, "k", limit, 1)
	require.False(t, d.Allowed)
	require.GreaterOrEqual(t, d.RetryAfter, 100*time.Millisecond)
	testenv.Eventually(t, 10*d.RetryAfter, func() (bool, string) {
		return allow(t, limiter, "k", limit, 3).Allowed, "still refused"
	})
}

func TestCostCounts(t *testing.T) {
	limiter := ratelimit.New(connect(t))
	limit := ratelimit.Limit{Requests: 120, Window: time.Minute}
	require.True(t, allow(t, limiter, "usr_1", limit, 100).Allowed, "100 of 120")
	require.False(t, allow(t, limiter, "usr_1", limit, 21).Allowed, "121 of 120")
	require.True(t, allow(t, limiter, "usr_1", limit, 20).Allowed, "a refusal is not counted")
	require.True(t, allow(t, limiter, "usr_2", limit, 120).Allowed, "limits are by user")
	d := allow(t, limiter, "usr_3", limit, 121)
	require.False(t, d.Allowed)
	require.Equal(t, time.Minute, d.RetryAfter)
}

func TestRedisKeepsNoAddressesAndForgetsCounts(t *testing.T) {
	rdb := connect(t)
	limiter := ratelimit.New(rdb)
	limit := ratelimit.SignIn(10, time.Minute).Ask
	allow(t, limiter, "ann@example.com", limit, 1)
	keys, err := rdb.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	require.Len(t, keys, 1)
	require.NotContains(t, keys[0], "ann")
	ttl := rdb.PTTL(t.Context(), keys[0]).Val()
	require.Positive(t, ttl)
	require.LessOrEqual(t, ttl, limit.Window)
}

func TestLimitsWhileRedisIsAway(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	defer func() { _ = rdb.Close() }()
	limiter := ratelimit.New(rdb)
	start := time.Now()
	_, err := limiter.Allow(t.Context(), "sign-in", "ann@example.com", ratelimit.SignIn(10, time.Minute).Ask, 1)
	require.ErrorIs(t, err, ratelimit.ErrUnavailable)
	require.NotContains(t, err.Error(), "ann")
	for name, limit := range map[string]ratelimit.Limit{
		"mutations": ratelimit.Mutations(1), "messages": ratelimit.WebSocketMessages(1),
	} {
		d, err := limiter.Allow(t.Context(), name, "usr_1", limit, 1)
		require.NoError(t, err, name)
		require.True(t, d.Allowed, name)
	}
	require.LessOrEqual(t, time.Since(start), 30*time.Second)
}

func TestAHangingRedisDelaysOnlyBriefly(t *testing.T) {
	rdb := connect(t)
	limiter := ratelimit.New(rdb)
	allow(t, limiter, "k", ratelimit.Mutations(1), 1)
	require.NoError(t, rdb.Do(t.Context(), "CLIENT", "PAUSE", "60000", "ALL").Err())
	start := time.Now()
	d, err := limiter.Allow(t.Context(), "test", "k", ratelimit.Mutations(1), 1)
	require.NoError(t, err)
	require.True(t, d.Allowed)
	require.LessOrEqual(t, time.Since(start), 20*time.Second)
}

func TestACancelledRequestIsRefused(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d, err := ratelimit.New(connect(t)).Allow(ctx, "mutations", "usr_1", ratelimit.Mutations(1), 1)
	require.False(t, d.Allowed)
	require.ErrorIs(t, err, context.Canceled)
}

func BenchmarkAllow(b *testing.B) {
	limiter := ratelimit.New(connect(b))
	limit := ratelimit.Limit{Requests: 120, Window: time.Minute}
	for b.Loop() {
		_, err := limiter.Allow(b.Context(), "mutations", "usr_1", limit, 1)
		require.NoError(b, err)
	}
}

func allow(t *testing.T, l *ratelimit.Limiter, key string, limit ratelimit.Limit, cost int) ratelimit.Decision {
	t.Helper()
	d, err := l.Allow(t.Context(), "test", key, limit, cost)
	require.NoError(t, err)
	return d
}

func connect(t testing.TB) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(testenv.Redis(t))
	require.NoError(t, err)
	rdb := redis.NewClient(options)
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}
