package redis

import (
	"context"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Combining is a client that runs scripts of concurrent callers in one pipeline: while one is on its way, those that come wait for it and
// go together. A lone caller's goes at once, and under load a request costs a fraction of a round trip. Everything else, and a script that
// the server does not know yet, goes as with any client.
type Combining struct {
	*redis.Client

	mu      sync.Mutex
	waiting []combined
	sending bool
}

type combined struct {
	command *redis.Cmd
	done    chan struct{}
}

// mostCombined is how many scripts may wait; one more goes by itself.
const mostCombined = 1_024

// Combine answers a client that uses client's connections and timeouts.
func Combine(client *redis.Client) *Combining { return &Combining{Client: client} }

// EvalSha runs a script, as redis.Script does.
func (c *Combining) EvalSha(ctx context.Context, sha1 string, keys []string, args ...any) *redis.Cmd {
	words := append(make([]any, 0, 3+len(keys)+len(args)), "evalsha", sha1, len(keys))
	for _, key := range keys {
		words = append(words, key)
	}
	one := combined{redis.NewCmd(ctx, append(words, args...)...), make(chan struct{})}
	if !c.join(ctx, one) {
		return c.Client.EvalSha(ctx, sha1, keys, args...)
	}
	select {
	case <-one.done:
		return one.command
	case <-ctx.Done(): // the command is the sender's until it is done
		left := redis.NewCmd(ctx, "evalsha", sha1)
		left.SetErr(ctx.Err())
		return left
	}
}

// join has a script sent with the next pipeline, unless too many wait.
func (c *Combining) join(ctx context.Context, one combined) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == mostCombined {
		return false
	}
	c.waiting = append(c.waiting, one)
	if !c.sending {
		c.sending = true
		go c.send(context.WithoutCancel(ctx)) // for all who wait: it ends with them, and the client's timeouts bound it
	}
	return true
}

// send sends whatever waits, until nothing does.
func (c *Combining) send(ctx context.Context) {
	for batch := c.take(); len(batch) > 0; batch = c.take() {
		pipeline := c.Pipeline()
		for _, one := range batch {
			_ = pipeline.Process(ctx, one.command) // only queues it
		}
		_, _ = pipeline.Exec(ctx) // each command has its own error
		for _, one := range batch {
			close(one.done)
		}
	}
}

func (c *Combining) take() []combined {
	c.mu.Lock()
	defer c.mu.Unlock()
	batch := c.waiting
	c.waiting, c.sending = nil, len(batch) > 0
	return batch
}
