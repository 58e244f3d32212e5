// Package ratelimit limits requests and connections, with counts in Redis. A limit is a strict sliding window: no window has more than the
// allowed number of requests, over all processes, and a refusal says exactly when to retry.
//
// Why not go-redis/redis_rate: its GCRA allows nearly twice the limit in the first window (a burst of all, then one more each
// window/limit), so that "10 a minute" is not what happens. A burst of one would correct that, but refuses the second of two requests a second
// apart. Its last release is v10.0.1 (2023), and it can't count open connections. The script here is as long as the code around the
// library would be.
//
// While Redis is away, each limit does what limits.go says about it: signing in is refused, everything else is allowed.
package ratelimit

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	internalredis "ticketing/internal/redis"
)

// ErrUnavailable says that Redis couldn't be asked, and that the limit does not fail open.
var ErrUnavailable = errors.New("rate limit is unavailable")

// patience is how long a limit waits for Redis. Clients of package redis wait less.
const patience = time.Second

// Limit allows Requests in any Window. FailOpen allows everything while Redis is away.
type Limit struct {
	Requests int
	Window   time.Duration
	FailOpen bool
}

// Decision reports whether a request is allowed and, if not, when to retry it. A request that costs more than the whole limit is refused for a
// window, each time.
type Decision struct {
	Allowed    bool
	RetryAfter time.Duration
}

// Limiter counts in Redis. It is safe for concurrent use.
type Limiter struct {
	redis  *internalredis.Combining
	warned atomic.Int64 // unix seconds of the last warning that a limit is not enforced
}

// New returns a limiter that counts in rdb.
func New(rdb *redis.Client) *Limiter {
	return &Limiter{redis: internalredis.Combine(rdb)}
}

//go:embed allow.lua
var allowSource string

var allowScript = redis.NewScript(allowSource)

// Allow counts cost against the limit of key under name. It counts nothing if it refuses. Keys may be personal (an address, an IP): Redis
// sees only their hash. Error: ErrUnavailable, only of limits that do not fail open.
func (l *Limiter) Allow(ctx context.Context, name, key string, limit Limit, cost int) (Decision, error) {
	if cost <= 0 {
		return Decision{Allowed: true}, nil
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	reply, err := allowScript.Run(bounded, l.redis, []string{redisKey(name, key)},
		limit.Requests, limit.Window.Microseconds(), cost).Int64Slice()
	switch {
	case err == nil && len(reply) == 2:
		return Decision{Allowed: reply[0] == 1, RetryAfter: time.Duration(reply[1]) * time.Microsecond}, nil
	case ctx.Err() != nil:
		return Decision{}, fmt.Errorf("count against the limit %q: %w", name, ctx.Err())
	case limit.FailOpen:
		l.warnUnenforced(ctx, name, err)
		return Decision{Allowed: true}, nil
	default:
		return Decision{}, fmt.Errorf("count against the limit %q: %w: %w", name, ErrUnavailable, err)
	}
}

// redisKey returns the Redis key under which a key is counted. The hash keeps addresses out of Redis, and keys short.
func redisKey(name, key string) string {
	hash := sha256.Sum256([]byte(key))
	return "limit:" + name + ":" + base64.RawURLEncoding.EncodeToString(hash[:16])
}

// warnUnenforced logs, at most once a minute, that a limit is not enforced.
func (l *Limiter) warnUnenforced(ctx context.Context, name string, err error) {
	now, last := time.Now().Unix(), l.warned.Load()
	if now-last >= 60 && l.warned.CompareAndSwap(last, now) {
		slog.WarnContext(ctx, "rate limits are not enforced: Redis can't be asked", "limit", name, "error", err)
	}
}
