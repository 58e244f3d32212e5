package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ticketing/command/eventstore"
	"ticketing/command/rejection"
)

// batch is what is decided under one lock and committed as one.
type batch struct {
	now     time.Time
	streams map[string]*stream // what decisions see
	dirty   map[string]*stream // what they changed
	rows    eventRows
	keys    keyRows
	decided []decidedCall
	cold    []*call           // found that they need a stream which is not in memory
	taken   map[keyID]outcome // idempotency keys, in the table or given in this batch

	remembered []remembered // what goes to Redis after the commit
}

type decidedCall struct {
	call   *call
	result result
}

// batchTimeout bounds everything between taking the lock and the answer of the commit.
const batchTimeout = 10 * time.Second

// mostAttempts is how many batches a command may fail with before its caller is told, retryPause the time between two.
const (
	mostAttempts = 5
	retryPause   = 100 * time.Millisecond
)

// runBatch decides what is ready, as one transaction. Whatever goes wrong, no state that was not committed survives in the cache.
func (e *Engine) runBatch(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	began := time.Now()
	if err := e.lock(ctx); err != nil {
		e.retry(e.takeReady(), fmt.Errorf("take the lock: %w", err))
		return
	}
	e.metrics.lockSeconds.Observe(time.Since(began).Seconds())
	e.collect()
	calls := e.takeReady()
	calls, b, err := e.prepare(ctx, calls)
	if err != nil {
		e.abort(b)
		e.retry(calls, err)
		return
	}
	b.now = e.clock().UTC().Truncate(time.Microsecond)
	if poison := e.decideAll(b, calls); poison != nil {
		e.abandon(ctx, b, calls, poison)
		return
	}
	for _, c := range b.cold {
		e.admit(c)
	}
	if err := e.commit(ctx, b); err != nil {
		e.abort(b)
		e.settleFailed(b, err)
		return
	}
	e.finish(b)
	e.metrics.batch(len(b.decided), len(b.rows.streamIDs), time.Since(began))
}

func (e *Engine) takeReady() []*call {
	n := min(len(e.ready), batchSize)
	calls := e.ready[:n:n]
	e.ready = e.ready[n:]
	return calls
}

// decideAll answers a poisonous call: one that failed after it had appended, so that the whole batch must go.
func (e *Engine) decideAll(b *batch, calls []*call) *decidedCall {
	for _, c := range calls {
		if c.Key != nil {
			if known, ok := b.taken[c.Key.id()]; ok {
				b.decided = append(b.decided, decidedCall{c, known.replay(c.Key)})
				continue
			}
		}
		tx := &Tx{Now: b.now, engine: e, metadata: &c.Metadata, batch: b}
		decided, err := decide(tx, c)
		switch {
		case tx.missing != "":
			c.streams = append(c.streams, tx.missing)
			b.cold = append(b.cold, c)
			continue
		case err != nil && tx.appended > 0:
			return &decidedCall{c, result{err: err}}
		}
		r := result{Result: Result{Decided: decided}, err: err}
		e.take(b, c, r)
		b.decided = append(b.decided, decidedCall{c, r})
	}
	return nil
}

// decide runs the decision and turns the panic of a broken invariant into an error.
func decide(tx *Tx, c *call) (decided Decided, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("engine: decision panicked: %v", p)
			tx.missing = ""
		}
	}()
	tx.metadata.Incarnation = tx.engine.head.Incarnation
	return c.Decide(tx)
}

// take remembers the outcome under the call's idempotency key. Failures that are no rejections are not outcomes.
func (e *Engine) take(b *batch, c *call, r result) {
	if c.Release != nil && r.err == nil {
		b.keys.release(c.Release)
	}
	if c.Key == nil {
		return
	}
	o := outcome{Ref: r.Ref, hash: c.Key.Hash}
	if r.err != nil {
		rejected, ok := rejection.As(r.err)
		if !ok || rejected.Code == rejection.Forbidden || rejected.Code == rejection.GatewayUnavailable {
			return
		}
		o.Rejection = rejected
	}
	b.taken[c.Key.id()] = o
	expires := b.now.Add(keyTTL)
	b.keys.add(c.Key, o, expires)
	if e.outcomes != nil && !c.Key.Releasable {
		name := outcomeName(e.head.Incarnation, c.Key)
		b.remembered = append(b.remembered, remembered{name: name, Outcome: o, Hash: c.Key.Hash, Expires: expires})
	}
}

// add encodes a domain event as a row of the append.
func (b *batch) add(registry *eventstore.Registry, s *stream, metadata []byte, domainEvent any) error {
	name, version, data, err := registry.Encode(domainEvent)
	if err != nil {
		return err
	}
	b.rows.add(s.id, s.version, name, version, data, metadata)
	return nil
}

// finish moves the batch's states to the cache and answers its callers. It comes after the acknowledged commit.
func (e *Engine) finish(b *batch) {
	e.head.Position += int64(len(b.rows.streamIDs))
	for id, s := range b.streams {
		if s.version == 0 {
			e.cache.drop(id) // there is no such stream: not worth the room
			continue
		}
		s.checkedAt, s.incarnation = e.head.Position, e.head.Incarnation
		e.cache.put(s)
		if _, changed := b.dirty[id]; changed {
			e.wantSnapshot(s)
		}
	}
	e.cache.evict()
	e.remember(b)
	for _, d := range b.decided {
		e.answer(d.call, d.result)
	}
}

// abort forgets whatever the batch may have changed, and the connection with it: its transaction must not live on.
func (e *Engine) abort(b *batch) {
	if b != nil {
		for id := range b.streams {
			e.cache.drop(id)
		}
	}
	e.disconnect()
}

// abandon answers the poisonous call, and has the others decided again without it.
func (e *Engine) abandon(ctx context.Context, b *batch, calls []*call, poison *decidedCall) {
	e.log.ErrorContext(ctx, "a command failed after it had appended; its batch is decided again without it", "error", poison.result.err)
	e.abort(b)
	e.answer(poison.call, poison.result)
	for _, c := range calls {
		if c != poison.call {
			e.admit(c)
		}
	}
}

// settleFailed handles a batch whose commit failed or is unknown. A command with an idempotency key is decided again: its key tells
// what happened. One without is decided again only when it is certain that nothing was committed.
func (e *Engine) settleFailed(b *batch, err error) {
	var unknown *unknownCommitError
	uncertain := errors.As(err, &unknown)
	var again []*call
	for _, d := range b.decided {
		if uncertain && d.call.Key == nil {
			e.answer(d.call, result{err: fmt.Errorf("%w: the commit was not acknowledged", ErrUnavailable)})
			continue
		}
		again = append(again, d.call)
	}
	e.retry(again, err)
}

// retry admits the calls again, or answers ErrUnavailable to those that have failed too often.
func (e *Engine) retry(calls []*call, err error) {
	e.metrics.failedBatches.Inc()
	e.log.Error("a batch failed", "error", err, "commands", len(calls))
	time.Sleep(retryPause) // only when PostgreSQL fails: its callers can wait for it to come back
	for _, c := range calls {
		if c.attempts++; c.attempts >= mostAttempts {
			e.answer(c, result{err: fmt.Errorf("%w: %w", ErrUnavailable, err)})
			continue
		}
		e.admit(c)
	}
}
