package redis

import (
	"context"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Combining is a client that runs the scripts of concurrent callers in one pipeline: scripts that arrive while a pipeline is under way wait
// and go together. A lone caller's script goes at once, and under load a request costs a fraction of a round trip. Other commands, and
// scripts that the server does not know yet, go as with any client.
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

// mostCombined is how many scripts may wait. One more goes by itself.
const mostCombined = 1_024

// Combine returns a Combining that uses client's connections and timeouts.
func Combine(client *redis.Client) *Combining { return &Combining{Client: client} }

// EvalSha runs a script, as redis.Script does.
func (c *Combining) EvalSha(ctx context.Context, sha1 string, keys []string, args ...any) *redis.Cmd {
	words := append(make([]any, 0, 3+len(keys)+len(args)), "evalsha", sha1, len(keys))
	for _, key := range keys {
		words = append(words, key)
	}
	one := combined{redis.NewCmd(ctx, append(words, args...)...), make(chan struct{})}
	if !c.joinBatch(ctx, one) {
		return c.Client.EvalSha(ctx, sha1, keys, args...)
	}
	select {
	case <-one.done:
		return one.command
	case <-ctx.Done(): // the sender still uses the command
		left := redis.NewCmd(ctx, "evalsha", sha1)
		left.SetErr(ctx.Err())
		return left
	}
}

// joinBatch queues a script for the next pipeline, and reports false if too many wait.
func (c *Combining) joinBatch(ctx context.Context, one combined) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == mostCombined {
		return false
	}
	c.waiting = append(c.waiting, one)
	if !c.sending {
		c.sending = true
		go c.sendBatches(context.WithoutCancel(ctx)) // it serves all who wait; the client's timeouts bound it
	}
	return true
}

// sendBatches sends the waiting scripts until none waits.
func (c *Combining) sendBatches(ctx context.Context) {
	for batch := c.takeBatch(); len(batch) > 0; batch = c.takeBatch() {
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

func (c *Combining) takeBatch() []combined {
	c.mu.Lock()
	defer c.mu.Unlock()
	batch := c.waiting
	c.waiting, c.sending = nil, len(batch) > 0
	return batch
}
