package ratelimit

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

func openRedis(t *testing.T) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(testenv.Redis(t))
	require.NoError(t, err)
	rdb := redis.NewClient(options)
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

func TestConnectionsAreLimitedOverAllProcesses(t *testing.T) {
	t.Parallel()
	rdb := openRedis(t)
	var mu sync.Mutex
	var releases []func()
	var refused atomic.Int64
	var all sync.WaitGroup
	for range 4 { // processes
		c := NewConnections(New(rdb))
		for range 10 {
			all.Go(func() {
				release, d := c.Open(t.Context(), "sockets", "203.0.113.5", 7)
				if !d.Allowed {
					refused.Add(1)
					assert.Positive(t, d.RetryAfter)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				releases = append(releases, release)
			})
		}
	}
	all.Wait()
	require.Len(t, releases, 7)
	require.EqualValues(t, 33, refused.Load())
	c := NewConnections(New(rdb))
	_, d := c.Open(t.Context(), "sockets", "203.0.113.6", 7)
	require.True(t, d.Allowed, "limits are by client")
	for _, release := range releases {
		release()
	}
	for i := range 8 {
		_, d := c.Open(t.Context(), "sockets", "203.0.113.5", 7)
		require.Equal(t, i < 7, d.Allowed)
	}
	for _, key := range rdb.Keys(t.Context(), "*").Val() {
		ttl := rdb.PTTL(t.Context(), key).Val()
		require.NotContains(t, key, "203")
		require.Positive(t, ttl)
		require.LessOrEqual(t, ttl, leaseTTL)
	}
}

func TestConnectionsOfADeadProcessStopCounting(t *testing.T) {
	t.Parallel()
	rdb := openRedis(t)
	dead, alive := NewConnections(New(rdb)), NewConnections(New(rdb))
	_, _ = dead.Open(t.Context(), "sockets", "k", 2)
	release, _ := alive.Open(t.Context(), "sockets", "k", 2)
	key := redisKey("sockets", "k")
	for _, one := range rdb.ZRange(t.Context(), key, 0, -1).Val() { // a minute and a half later
		rdb.ZAdd(t.Context(), key, redis.Z{Score: 1, Member: one})
	}
	require.NoError(t, alive.renewLeases(t.Context()))
	next, d := alive.Open(t.Context(), "sockets", "k", 2)
	_, full := alive.Open(t.Context(), "sockets", "k", 2)
	require.True(t, d.Allowed)
	require.False(t, full.Allowed)
	release()
	next()
	require.Zero(t, rdb.ZCard(t.Context(), key).Val())
}

func TestOpenConnectionsCountAgainWhenRedisLostThem(t *testing.T) {
	t.Parallel()
	rdb := openRedis(t)
	c := NewConnections(New(rdb))
	release, _ := c.Open(t.Context(), "sockets", "k", 1)
	require.NoError(t, rdb.FlushAll(t.Context()).Err())
	require.NoError(t, c.renewLeases(t.Context()))
	_, d := c.Open(t.Context(), "sockets", "k", 1)
	require.False(t, d.Allowed, "over the limit")
	held := map[string]string{}
	for one, at := range c.held {
		held[one] = at
	}
	release()
	for one, at := range held { // released while it was renewed
		rdb.ZAdd(t.Context(), at, redis.Z{Score: 1e15, Member: one})
		c.forgetReleased(t.Context(), []string{one}, held)
	}
	require.Zero(t, rdb.ZCard(t.Context(), redisKey("sockets", "k")).Val())
}

func TestConnectionsOpenWithoutRedis(t *testing.T) {
	t.Parallel()
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	defer func() { _ = rdb.Close() }()
	c := NewConnections(New(rdb))
	for range 2 {
		release, d := c.Open(context.Background(), "sockets", "k", 1)
		require.True(t, d.Allowed, "allowed without Redis")
		defer release()
	}
}
