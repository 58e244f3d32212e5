package ratelimit_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"ticketing/internal/ratelimit"
	"ticketing/internal/testenv"
)

func TestNoMoreThanTheLimitPassesAtOnce(t *testing.T) {
	rdb := connect(t)
	limit := ratelimit.SignIn(10, time.Minute)
	var passed atomic.Int64
	var all sync.WaitGroup
	for range 4 { // processes
		limiter := ratelimit.New(rdb)
		for range 50 {
			all.Go(func() {
				d, err := limiter.Allow(t.Context(), "sign-in", "ann@example.com", limit, 1)
				if err != nil {
					t.Error(err)
				}
				if d.Allowed {
					passed.Add(1)
				} else if d.RetryAfter <= 0 || d.RetryAfter > limit.Window {
					t.Errorf("come back in %s", d.RetryAfter)
				}
			})
		}
	}
	all.Wait()
	if passed.Load() != 10 {
		t.Errorf("%d of 200 passed a limit of 10", passed.Load())
	}
}

func TestWindowSlides(t *testing.T) {
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
		time.Sleep(d.RetryAfter) // being told how long to wait is what is tested
	}
	if len(passed) < 15 {
		t.Errorf("in four windows only %d passed", len(passed))
	}
	for i := limit.Requests; i < len(passed); i++ {
		const slack = 10 * time.Millisecond // between this clock and the script's
		if gap := passed[i].Sub(passed[i-limit.Requests]); gap < limit.Window-slack {
			t.Errorf("%d passed within %s", limit.Requests+1, gap)
		}
	}
}

func TestRetryAfterIsEnoughAndNoMore(t *testing.T) {
	limiter := ratelimit.New(connect(t))
	limit := ratelimit.Limit{Requests: 3, Window: 200 * time.Millisecond}
	if !allow(t, limiter, "k", limit, 3).Allowed {
		t.Fatal("the first three are refused")
	}
	d := allow(t, limiter, "k", limit, 1)
	if d.Allowed || d.RetryAfter < 100*time.Millisecond {
		t.Fatalf("a fourth at once: %+v", d)
	}
	testenv.Eventually(t, 10*d.RetryAfter, func() (bool, string) {
		return allow(t, limiter, "k", limit, 3).Allowed, "the window never frees"
	})
}

func TestCostCounts(t *testing.T) {
	limiter := ratelimit.New(connect(t))
	limit := ratelimit.Limit{Requests: 120, Window: time.Minute}
	if !allow(t, limiter, "usr_1", limit, 100).Allowed {
		t.Fatal("a hundred root fields are refused")
	}
	if allow(t, limiter, "usr_1", limit, 21).Allowed {
		t.Error("121 root fields pass a limit of 120")
	}
	if !allow(t, limiter, "usr_1", limit, 20).Allowed {
		t.Error("a refusal was counted")
	}
	if !allow(t, limiter, "usr_2", limit, 120).Allowed {
		t.Error("one user's limit is another's")
	}
	if d := allow(t, limiter, "usr_3", limit, 121); d.Allowed || d.RetryAfter != time.Minute {
		t.Errorf("more than the limit at once: %+v", d)
	}
}

func TestRedisKeepsNoAddressesAndForgets(t *testing.T) {
	rdb := connect(t)
	limiter := ratelimit.New(rdb)
	limit := ratelimit.SignIn(10, time.Minute)
	allow(t, limiter, "ann@example.com", limit, 1)
	keys, err := rdb.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) != 1 {
		t.Fatalf("Redis holds %v, %v", keys, err)
	}
	if strings.Contains(keys[0], "ann") {
		t.Errorf("an address is in the key %q", keys[0])
	}
	if ttl := rdb.PTTL(t.Context(), keys[0]).Val(); ttl <= 0 || ttl > limit.Window {
		t.Errorf("the count is kept for %s", ttl)
	}
}

func TestRedisAway(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	defer func() { _ = rdb.Close() }()
	limiter := ratelimit.New(rdb)
	start := time.Now()
	_, err := limiter.Allow(t.Context(), "sign-in", "ann@example.com", ratelimit.SignIn(10, time.Minute), 1)
	if !errors.Is(err, ratelimit.ErrUnavailable) || strings.Contains(err.Error(), "ann") {
		t.Errorf("signing in answers %v", err)
	}
	for name, limit := range map[string]ratelimit.Limit{
		"mutations": ratelimit.Mutations(1), "messages": ratelimit.WebSocketMessages(1),
	} {
		if d, err := limiter.Allow(t.Context(), name, "usr_1", limit, 1); err != nil || !d.Allowed {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("three answers took %s", took)
	}
}

func TestHangingRedisHoldsNobodyUp(t *testing.T) {
	rdb := connect(t)
	limiter := ratelimit.New(rdb)
	allow(t, limiter, "k", ratelimit.Mutations(1), 1)
	if err := rdb.Do(t.Context(), "CLIENT", "PAUSE", "60000", "ALL").Err(); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	d, err := limiter.Allow(t.Context(), "test", "k", ratelimit.Mutations(1), 1)
	if err != nil || !d.Allowed {
		t.Errorf("it answers %+v, %v", d, err)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestCallerWhoLeftIsNotLetThrough(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d, err := ratelimit.New(connect(t)).Allow(ctx, "mutations", "usr_1", ratelimit.Mutations(1), 1)
	if d.Allowed || !errors.Is(err, context.Canceled) {
		t.Errorf("it answers %+v, %v", d, err)
	}
}

func BenchmarkAllow(b *testing.B) {
	limiter := ratelimit.New(connect(b))
	limit := ratelimit.Limit{Requests: 120, Window: time.Minute}
	for b.Loop() {
		if _, err := limiter.Allow(b.Context(), "mutations", "usr_1", limit, 1); err != nil {
			b.Fatal(err)
		}
	}
}

func allow(t *testing.T, l *ratelimit.Limiter, key string, limit ratelimit.Limit, cost int) ratelimit.Decision {
	t.Helper()
	d, err := l.Allow(t.Context(), "test", key, limit, cost)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func connect(t testing.TB) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(testenv.Redis(t))
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(options)
	t.Cleanup(func() { _ = rdb.Close() })
	return rdb
}
