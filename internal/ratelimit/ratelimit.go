// Package ratelimit counts what people do in Redis and says when it is too much. A limit is a strict sliding window: within any
// window no more than the allowed number passes, whatever the number of processes, and a refusal says exactly when to come back.
//
// Why not go-redis/redis_rate: its GCRA lets nearly twice the limit pass in the first window (a burst of all, then one more each
// window/limit), so that "10 a minute" is not what happens; a burst of one, which would mend that, refuses the second of two actions a second
// apart. v10.0.1 (2023) is its last release. It has nothing for what is open at a time (Connections). The script here is as long as the glue
// around the library would be.
//
// While Redis is away, each limit does what is said beside it in limits.go: signing in is refused, everything else passes.
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

// ErrUnavailable says that Redis couldn't be asked and that the limit is one that then refuses.
var ErrUnavailable = errors.New("rate limit is unavailable")

// How long a limit waits for Redis: one that then lets pass holds nobody up for longer, one that then refuses tries harder.
const (
	shortPatience = time.Second
	longPatience  = 5 * time.Second
)

// Limit allows Requests in any Window. FailOpen decides what happens while Redis is away: true lets everything pass.
type Limit struct {
	Requests int
	Window   time.Duration
	FailOpen bool
}

// Decision says whether an action may go on and, when not, after how long the same one may. An action that costs more than the
// limit allows at all is refused for a whole window, each time.
type Decision struct {
	Allowed    bool
	RetryAfter time.Duration
}

// Limiter counts in Redis. It is safe for concurrent use.
type Limiter struct {
	short, long *internalredis.Combining // by patience
	warned      atomic.Int64             // unix seconds of the last warning that a limit is not enforced
}

// New answers a limiter that counts in rdb.
func New(rdb *redis.Client) *Limiter {
	return &Limiter{short: internalredis.Combine(rdb.WithTimeout(shortPatience)), long: internalredis.Combine(rdb.WithTimeout(longPatience))}
}

//go:embed allow.lua
var allowSource string

var allow = redis.NewScript(allowSource)

// Allow counts cost against the limit of key under name, and counts nothing when it refuses. Keys may be personal (an address, an
// IP): Redis sees only their hash. Error: ErrUnavailable, only of limits that don't fail open.
func (l *Limiter) Allow(ctx context.Context, name, key string, limit Limit, cost int) (Decision, error) {
	if cost <= 0 {
		return Decision{Allowed: true}, nil
	}
	client, patience := l.long, longPatience
	if limit.FailOpen {
		client, patience = l.short, shortPatience
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	answer, err := allow.Run(bounded, client, []string{redisKey(name, key)},
		limit.Requests, limit.Window.Microseconds(), cost).Int64Slice()
	switch {
	case err == nil && len(answer) == 2:
		return Decision{Allowed: answer[0] == 1, RetryAfter: time.Duration(answer[1]) * time.Microsecond}, nil
	case ctx.Err() != nil:
		return Decision{}, fmt.Errorf("count against the limit %q: %w", name, ctx.Err())
	case limit.FailOpen:
		l.warn(ctx, name, err)
		return Decision{Allowed: true}, nil
	default:
		return Decision{}, fmt.Errorf("count against the limit %q: %w: %w", name, ErrUnavailable, err)
	}
}

// redisKey names where a key is counted. Its hash keeps addresses out of Redis and keys short.
func redisKey(name, key string) string {
	hash := sha256.Sum256([]byte(key))
	return "limit:" + name + ":" + base64.RawURLEncoding.EncodeToString(hash[:16])
}

// warn says, once a minute at most, that a limit is not enforced.
func (l *Limiter) warn(ctx context.Context, name string, err error) {
	now, last := time.Now().Unix(), l.warned.Load()
	if now-last >= 60 && l.warned.CompareAndSwap(last, now) {
		slog.WarnContext(ctx, "rate limits are not enforced: Redis can't be asked", "limit", name, "error", err)
	}
}
