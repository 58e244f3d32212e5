package auth

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// clockAge is how old a measurement of Redis's clock may be: clocks drift apart by less than 10 ms in it.
	clockAge = time.Minute
	// clockRetry is how long after a failed measurement the next one begins.
	clockRetry = time.Second
)

// redisClock tells Redis's time, which is the same for all processes: by it sessions and links end, whatever a process's own clock says.
// Between two measurements time passes by the monotonic clock, which can't be set. It is safe for concurrent use.
type redisClock struct {
	client *redis.Client

	mu     sync.Mutex
	theirs time.Time // Redis's time when it was measured last; zero: never
	ours   time.Time // when that was, with the monotonic reading
	tried  time.Time
}

// now returns the process's own time only while Redis has never been reached: then no session and no link can be made.
func (c *redisClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if (c.theirs.IsZero() || time.Since(c.ours) > clockAge) && time.Since(c.tried) > clockRetry {
		c.measure()
	}
	if c.theirs.IsZero() {
		return time.Now()
	}
	return c.theirs.Add(time.Since(c.ours))
}

func (c *redisClock) measure() {
	ctx, cancel := context.WithTimeout(context.Background(), clockRetry)
	defer cancel()
	c.tried = time.Now()
	theirs, err := c.client.Time(ctx).Result()
	if err != nil {
		return
	}
	c.ours = time.Now()
	c.theirs = theirs.Add(c.ours.Sub(c.tried) / 2) // the way back took half of it
}
