package engine

import (
	"context"
	"fmt"
	"slices"

	"go.opentelemetry.io/otel/trace"

	"ticketing/command/eventstore"
)

// Request is one command.
type Request struct {
	Metadata eventstore.Metadata // Incarnation is filled in
	Streams  []string            // that the decision will load; it may load others, at the cost of being called again
	Key      *Key                // nil: the command is idempotent by itself
	Decide   Decision
	// Outdated reports whether an accepted command, by what its key remembers, has failed and is to be decided again. The key must be
	// Releasable. Default: never.
	Outdated func(tx *Tx, ref string) (bool, error)
}

// Key is the idempotency key of a command.
type Key struct {
	Actor string // user id
	Key   string // "<mutation>:<client's key>"
	Hash  []byte // of the request: the same key with another hash is rejected

	// Releasable says that the outcome may be Outdated. It is then found in the database only: a copy elsewhere would not be asked.
	Releasable bool
}

// Result is the result of an accepted command. Value is nil when Replayed.
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
	span     trace.Span  // nil: it is not sampled
}

type result struct {
	Result
	err error
}

// Execute decides a command and waits until it is durable. Its error is a *rejection.Error when the command was rejected, ErrUnavailable
// when it may be tried again, and ctx's when the caller stopped waiting (the command may still be decided). A Result that is Replayed
// comes after the first outcome was committed, so that Read sees it.
func (e *Engine) Execute(ctx context.Context, r Request) (Result, error) {
	if r.Outdated != nil && r.Key != nil && !r.Key.Releasable {
		panic("engine: Outdated needs a Releasable key") // found by the first test that executes it
	}
	if known, ok := e.recallOutcome(ctx, r.Key); ok {
		return known.Result, known.err
	}
	if e.inflight.Add(1) > queueSize || e.closed.Load() {
		e.inflight.Add(-1)
		return Result{}, fmt.Errorf("%w: too many commands are waiting, or it is shutting down", ErrUnavailable)
	}
	c := &call{Request: r, ctx: ctx, streams: slices.Clone(r.Streams), done: make(chan result, 1)}
	c.startSpan()
	e.queue <- c
	select {
	case res := <-c.done:
		c.endSpan(res.err)
		return res.Result, res.err
	case <-ctx.Done():
		c.endSpan(ctx.Err())
		return Result{}, fmt.Errorf("wait for the decision: %w", ctx.Err())
	}
}

// answerCall sends a call its result, once.
func (e *Engine) answerCall(c *call, r result) {
	c.done <- r
	e.inflight.Add(-1)
}
