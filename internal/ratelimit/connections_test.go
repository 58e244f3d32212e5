package ratelimit

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"ticketing/internal/testenv"
)

func openRedis(t *testing.T) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(testenv.Redis(t))
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(options)
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}

func TestNoMoreConnectionsThanAllowed(t *testing.T) {
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
					if d.RetryAfter <= 0 {
						t.Errorf("come back in %s", d.RetryAfter)
					}
					return
				}
				mu.Lock()
				defer mu.Unlock()
				releases = append(releases, release)
			})
		}
	}
	all.Wait()
	if len(releases) != 7 || refused.Load() != 33 {
		t.Fatalf("%d of 40 were opened and %d refused, with a limit of 7", len(releases), refused.Load())
	}
	c := NewConnections(New(rdb))
	if _, d := c.Open(t.Context(), "sockets", "203.0.113.6", 7); !d.Allowed {
		t.Error("one client's limit is another's")
	}
	for _, release := range releases {
		release()
	}
	for i := range 8 {
		if _, d := c.Open(t.Context(), "sockets", "203.0.113.5", 7); d.Allowed != (i < 7) {
			t.Errorf("after all were closed, number %d is allowed: %t", i+1, d.Allowed)
		}
	}
	for _, key := range rdb.Keys(t.Context(), "*").Val() {
		if ttl := rdb.PTTL(t.Context(), key).Val(); strings.Contains(key, "203") || ttl <= 0 || ttl > leaseTTL {
			t.Errorf("%s is kept for %s", key, ttl)
		}
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
	if err := alive.renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	next, d := alive.Open(t.Context(), "sockets", "k", 2)
	if _, full := alive.Open(t.Context(), "sockets", "k", 2); !d.Allowed || full.Allowed {
		t.Errorf("the second is allowed: %t, and the third: %t", d.Allowed, full.Allowed)
	}
	release()
	next()
	if n := rdb.ZCard(t.Context(), key).Val(); n != 0 {
		t.Errorf("%d are counted when all are closed", n)
	}
}

func TestOpenConnectionsCountAgainWhenRedisLostThem(t *testing.T) {
	t.Parallel()
	rdb := openRedis(t)
	c := NewConnections(New(rdb))
	release, _ := c.Open(t.Context(), "sockets", "k", 1)
	if err := rdb.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := c.renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, d := c.Open(t.Context(), "sockets", "k", 1); d.Allowed {
		t.Error("one too many is allowed")
	}
	held := map[string]string{}
	for one, at := range c.held {
		held[one] = at
	}
	release()
	for one, at := range held { // released while it was renewed
		rdb.ZAdd(t.Context(), at, redis.Z{Score: 1e15, Member: one})
		c.forgetReleased(t.Context(), []string{one}, held)
	}
	if n := rdb.ZCard(t.Context(), redisKey("sockets", "k")).Val(); n != 0 {
		t.Errorf("%d are counted when all are closed", n)
	}
}

func TestConnectionsOpenWithoutRedis(t *testing.T) {
	t.Parallel()
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	defer func() { _ = rdb.Close() }()
	c := NewConnections(New(rdb))
	for range 2 {
		release, d := c.Open(context.Background(), "sockets", "k", 1)
		if !d.Allowed {
			t.Error("nobody can connect without Redis")
		}
		defer release()
	}
}
