package ratelimit

import (
	"context"
	"crypto/rand"
	_ "embed"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// A connection's lease ends after leaseTTL, and is renewed every leaseRenew while the connection is open.
const (
	leaseTTL   = 90 * time.Second
	leaseRenew = 30 * time.Second
)

//go:embed connect.lua
var connectSource string

var connectScript = redis.NewScript(connectSource)

// Connections counts open connections over all processes. While Redis is away it allows every connection, and counts those that are still
// open once Redis is back. Connections of a process that died count for another minute and a half.
type Connections struct {
	limiter *Limiter

	mu   sync.Mutex
	held map[string]string // the open ones: their key in Redis, by their id
}

// NewConnections returns a counter. Without Run, it forgets connections after a while.
func NewConnections(l *Limiter) *Connections {
	return &Connections{limiter: l, held: map[string]string{}}
}

// Open counts one more connection of key under name until release is called. If there are most already it counts nothing, and release does
// nothing. Keys may be personal: Redis sees only their hash.
func (c *Connections) Open(ctx context.Context, name, key string, most int) (release func(), d Decision) {
	one, at := rand.Text(), redisKey(name, key)
	if !c.countOpen(ctx, name, at, one, most) {
		return func() {}, Decision{RetryAfter: leaseRenew}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held[one] = at
	return func() { c.releaseOne(context.WithoutCancel(ctx), at, one) }, Decision{Allowed: true}
}

// countOpen returns false only if Redis says that there are too many.
func (c *Connections) countOpen(ctx context.Context, name, at, one string, most int) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	counted, err := connectScript.Run(ctx, c.limiter.redis, []string{at}, one, most, leaseTTL.Milliseconds()).Bool()
	if err != nil {
		c.limiter.warnUnenforced(ctx, name, err)
		return true
	}
	return counted
}

// releaseOne ends the count of a connection. If Redis is away, the lease ends by itself.
func (c *Connections) releaseOne(ctx context.Context, at, one string) {
	c.mu.Lock()
	delete(c.held, one)
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_ = c.limiter.redis.ZRem(ctx, at, one).Err()
}

// Run renews the leases of open connections until ctx ends.
func (c *Connections) Run(ctx context.Context) error {
	tick := time.NewTicker(leaseRenew)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := c.renewLeases(ctx); err != nil && ctx.Err() == nil {
				c.limiter.warnUnenforced(ctx, "connections", err)
			}
		}
	}
}

// renewLeases renews all leases, including those that Redis has lost.
func (c *Connections) renewLeases(ctx context.Context) error {
	now, err := c.limiter.redis.Time(ctx).Result()
	if err != nil {
		return err
	}
	until := float64(now.Add(leaseTTL).UnixMilli())
	c.mu.Lock()
	held := maps.Clone(c.held)
	c.mu.Unlock()
	const batch = 500
	for names := range slices.Chunk(slices.Collect(maps.Keys(held)), batch) {
		_, err := c.limiter.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, one := range names {
				p.ZAdd(ctx, held[one], redis.Z{Score: until, Member: one})
				p.PExpire(ctx, held[one], leaseTTL)
			}
			return nil
		})
		if err != nil {
			return err
		}
		c.forgetReleased(ctx, names, held)
	}
	return nil
}

// forgetReleased ends the leases of connections that were released while theirs were renewed.
func (c *Connections) forgetReleased(ctx context.Context, names []string, held map[string]string) {
	c.mu.Lock()
	released := slices.DeleteFunc(names, func(one string) bool { return c.held[one] != "" })
	c.mu.Unlock()
	for _, one := range released {
		_ = c.limiter.redis.ZRem(ctx, held[one], one).Err() // if Redis is away, the lease ends by itself
	}
}
