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

// How long a connection counts without being heard of, and how often it is heard of.
const (
	leaseTTL   = 90 * time.Second
	leaseRenew = 30 * time.Second
)

//go:embed connect.lua
var connectSource string

var connect = redis.NewScript(connectSource)

// Connections counts what clients have open at a time, over all processes. It lets pass while Redis is away, when nothing can be counted;
// what was opened meanwhile counts once Redis is back. What a process held that died stops counting after a minute and a half.
type Connections struct {
	limiter *Limiter

	mu   sync.Mutex
	held map[string]string // where in Redis it is counted, by name
}

// NewConnections answers a counter. Run must run, else it forgets what is open.
func NewConnections(l *Limiter) *Connections {
	return &Connections{limiter: l, held: map[string]string{}}
}

// Open counts one more of key under name, of at most that many, until release is called. Where that would be too many it counts nothing,
// and there is nothing to release. Keys may be personal: Redis sees only their hash.
func (c *Connections) Open(ctx context.Context, name, key string, most int) (release func(), d Decision) {
	one, at := rand.Text(), redisKey(name, key)
	if !c.count(ctx, name, at, one, most) {
		return func() {}, Decision{RetryAfter: leaseRenew}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held[one] = at
	return func() { c.release(context.WithoutCancel(ctx), at, one) }, Decision{Allowed: true}
}

// count answers false only when Redis says that there are too many.
func (c *Connections) count(ctx context.Context, name, at, one string, most int) bool {
	ctx, cancel := context.WithTimeout(ctx, shortPatience)
	defer cancel()
	counted, err := connect.Run(ctx, c.limiter.short, []string{at}, one, most, leaseTTL.Milliseconds()).Bool()
	if err != nil {
		c.limiter.warn(ctx, name, err)
		return true
	}
	return counted
}

// release uncounts. What Redis can't be told it finds out by itself.
func (c *Connections) release(ctx context.Context, at, one string) {
	c.mu.Lock()
	delete(c.held, one)
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, shortPatience)
	defer cancel()
	_ = c.limiter.short.ZRem(ctx, at, one).Err()
}

// Run keeps what is open counted, until ctx ends.
func (c *Connections) Run(ctx context.Context) error {
	tick := time.NewTicker(leaseRenew)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := c.renew(ctx); err != nil && ctx.Err() == nil {
				c.limiter.warn(ctx, "connections", err)
			}
		}
	}
}

// renew has all that is open count for longer, also where Redis has lost it.
func (c *Connections) renew(ctx context.Context) error {
	now, err := c.limiter.short.Time(ctx).Result()
	if err != nil {
		return err
	}
	until := float64(now.Add(leaseTTL).UnixMilli())
	c.mu.Lock()
	held := maps.Clone(c.held)
	c.mu.Unlock()
	const batch = 500
	for names := range slices.Chunk(slices.Collect(maps.Keys(held)), batch) {
		_, err := c.limiter.short.Pipelined(ctx, func(p redis.Pipeliner) error {
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

// forgetReleased uncounts what was released while it was renewed.
func (c *Connections) forgetReleased(ctx context.Context, names []string, held map[string]string) {
	c.mu.Lock()
	released := slices.DeleteFunc(names, func(one string) bool { return c.held[one] != "" })
	c.mu.Unlock()
	for _, one := range released {
		_ = c.limiter.short.ZRem(ctx, held[one], one).Err() // what can't be told now is found out later
	}
}
