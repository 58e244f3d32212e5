package engine

import (
	"context"
	"fmt"
	"slices"

	"ticketing/command/eventstore"
)

// Request is one command.
type Request struct {
	Metadata eventstore.Metadata // Incarnation is filled in
	Streams  []string            // that the decision will load; others are loaded when it asks for them
	Key      *Key                // nil: the command is idempotent by itself
	Release  *Key                // forgotten with the append: its outcome was "try again"; it must be Releasable
	Decide   Decision
}

// Key is the idempotency key of a command.
type Key struct {
	Actor string // user id
	Key   string // "<mutation>:<client's key>"
	Hash  []byte // of the request: the same key with another is refused

	// Releasable says that a Request may Release the key. Its outcome is then found in the database only: a copy elsewhere could
	// outlive the release.
	Releasable bool
}

// Result is what became of an accepted command. Value is nil when Replayed.
type Result struct {
	Decided
	Replayed bool // a command with the same idempotency key was accepted before
}

// call is a command on its way through the loop.
type call struct {
	Request
	ctx      context.Context
	streams  []string
	attempts int
	done     chan result // buffered: the loop never waits for a caller
}

type result struct {
	Result
	err error
}

// Execute decides a command and waits until it is durable. Its error is a *rejection.Error when the command was rejected,
// ErrUnavailable when it may be tried again, and ctx's when the caller stopped waiting (the command may still be decided).
func (e *Engine) Execute(ctx context.Context, r Request) (Result, error) {
	if r.Release != nil && !r.Release.Releasable {
		panic("engine: a key is released that is not Releasable") // found by the first test that releases it
	}
	if known, ok := e.recallOutcome(ctx, r.Key); ok {
		return known.Result, known.err
	}
	if e.inflight.Add(1) > queueSize || e.closed.Load() {
		e.inflight.Add(-1)
		return Result{}, fmt.Errorf("%w: too many commands are waiting, or it is shutting down", ErrUnavailable)
	}
	c := &call{Request: r, ctx: ctx, streams: slices.Clone(r.Streams), done: make(chan result, 1)}
	e.queue <- c
	select {
	case res := <-c.done:
		return res.Result, res.err
	case <-ctx.Done():
		return Result{}, fmt.Errorf("wait for the decision: %w", ctx.Err())
	}
}

// answerCall ends a call. It is called once for each.
func (e *Engine) answerCall(c *call, r result) {
	c.done <- r
	e.inflight.Add(-1)
}
