package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"ticketing/command/rejection"
)

// batch is what is decided under one lock and committed as one.
type batch struct {
	streams map[string]*stream // that decisions have loaded
	dirty   map[string]*stream // that they changed
	chunk   *chunk             // what was decided and is not sent yet
	sending *pgconn.Pipeline   // nil until the first chunk is sent
	sentAt  time.Time          // when it was
	writes  bool               // something was sent
	decided []decidedCall
	cold    []*call           // need a stream that is not in memory
	staged  []record          // what was decided, for Config.Committed
	known   map[keyID]outcome // of idempotency keys, in the table or of this batch
	expired map[keyID]bool    // idempotency keys that are in the table and free

	remembered []remembered // what goes to Redis after the commit
}

type decidedCall struct {
	call   *call
	result result
}

// batchTimeout bounds everything from taking the lock to the acknowledged commit.
const batchTimeout = 10 * time.Second

// A command that has failed with mostAttempts batches returns ErrUnavailable; retryPause is the time between two. After attemptsTogether it
// is decided alone, since another command of its batch may be to blame.
const (
	mostAttempts     = 5
	attemptsTogether = 2
	retryPause       = 100 * time.Millisecond
)

// runBatch decides the ready commands as one transaction. No state that was not committed survives in the cache.
func (e *Engine) runBatch(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	began := time.Now()
	if err := e.lockLog(ctx); err != nil {
		e.failBatch(e.nextCalls(), fmt.Errorf("lock the log: %w", err))
		return
	}
	e.metrics.lockSeconds.Observe(time.Since(began).Seconds())
	e.collectCalls()
	calls := e.nextCalls()
	ctx, span := traceBatch(ctx, calls, began)
	defer span.End()
	calls, b, err := e.prepareBatch(ctx, calls)
	if err != nil {
		e.abortBatch(b)
		e.failBatch(calls, err)
		return
	}
	e.chunk.beginBatch(e.head.Position, e.now)
	if err := e.decideAll(ctx, b, calls); err != nil {
		e.abortBatch(b)
		e.failBatch(calls, err) // nothing of it can have been committed
		return
	}
	e.admitCalls(b.cold)
	if err := e.commitTraced(ctx, b); err != nil {
		e.abortBatch(b)
		e.retryUncommitted(b, err)
		return
	}
	e.metrics.observeBatch(len(b.decided), b.chunk.after-e.head.Position, time.Since(began), time.Since(b.sentAt))
	e.finishBatch(b)
}

func (e *Engine) nextCalls() []*call {
	n := min(len(e.ready), batchSize)
	alone := slices.IndexFunc(e.ready[:n], func(c *call) bool { return c.attempts >= attemptsTogether })
	if alone >= 0 {
		n = max(alone, 1) // those before it are decided together
	}
	calls := e.ready[:n:n]
	e.ready = e.ready[n:]
	return calls
}

// What costly decisions may take of the lock's time. A chunk is sent after chunkTime even if it is not full, so that PostgreSQL works on
// while the loop decides; after decidingTime the rest of the batch waits for the next one, so that the callers of what is decided do not.
const (
	chunkTime    = 2 * time.Millisecond
	decidingTime = 50 * time.Millisecond
)

// decideAll decides the calls one after another and sends a chunk whenever it is due. After an error the batch must be aborted.
func (e *Engine) decideAll(ctx context.Context, b *batch, calls []*call) error {
	tx := &Tx{Now: e.now, engine: e, batch: b}
	began, sent := time.Now(), time.Now()
	for i, c := range calls {
		if time.Since(began) > e.decidingTime {
			e.ready = slices.Concat(calls[i:], e.ready)
			e.metrics.cutBatches.Inc()
			return nil
		}
		c.Metadata.Incarnation = e.head.Incarnation
		tx.beginCall(c)
		if known, ok := b.outcomeOf(c); ok && !tx.isOutdated(c, known) && tx.missing == "" {
			b.decided = append(b.decided, decidedCall{c, known.replayTo(c.Key)})
			continue
		}
		decided, err := tx.runDecision(c.Decide)
		switch {
		case tx.broken:
			return err
		case tx.missing != "":
			c.streams = append(c.streams, tx.missing)
			b.cold = append(b.cold, c)
			continue
		}
		r := result{Result: Result{Decided: decided}, err: err}
		e.keepOutcome(b, c, r)
		b.decided = append(b.decided, decidedCall{c, r})
		if b.chunk.commands++; b.chunk.commands < chunkSize && time.Since(sent) < chunkTime {
			continue
		}
		if err := e.sendChunk(ctx, b); err != nil {
			return err
		}
		sent = time.Now()
	}
	return nil
}

// outcomeOf returns what the call's idempotency key remembers.
func (b *batch) outcomeOf(c *call) (outcome, bool) {
	if c.Key == nil {
		return outcome{}, false
	}
	known, ok := b.known[c.Key.id()]
	return known, ok
}

// isOutdated reports whether the call, which was accepted before, is to be decided again.
func (tx *Tx) isOutdated(c *call, known outcome) (outdated bool) {
	if c.Outdated == nil || known.Rejection != nil || !bytes.Equal(known.hash, c.Key.Hash) {
		return false
	}
	_, err := tx.runDecision(func(tx *Tx) (decided Decided, err error) {
		outdated, err = c.Outdated(tx, known.Ref)
		return decided, err
	})
	return outdated && err == nil
}

// keepOutcome stores the outcome under the call's idempotency key. An error that is no rejection is not an outcome.
func (e *Engine) keepOutcome(b *batch, c *call, r result) {
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
	id := c.Key.id()
	if _, outdated := b.known[id]; outdated || b.expired[id] {
		b.chunk.freeKey(id)
	}
	b.known[id] = o
	b.chunk.addOutcome(c.Key, o)
	if e.outcomes != nil && !c.Key.Releasable {
		name := outcomeName(e.head.Incarnation, c.Key)
		b.remembered = append(b.remembered, remembered{name: name, Outcome: o, Hash: c.Key.Hash, Expires: e.now.Add(keyTTL)})
	}
}

// finishBatch moves the batch's states to the cache and returns the results to its callers, after the acknowledged commit.
func (e *Engine) finishBatch(b *batch) {
	e.fault.Note(context.Background(), nil)
	e.head.Position = b.chunk.after
	for id, s := range b.streams {
		if s.version == 0 {
			e.cache.drop(id) // there is no such stream
			continue
		}
		s.checkedAt, s.incarnation = e.head.Position, e.head.Incarnation
		e.cache.put(s)
		if _, changed := b.dirty[id]; changed {
			e.wantSnapshot(s)
		}
	}
	for _, r := range b.staged {
		e.committed(r.domainEvent, r.stream.state)
	}
	e.cache.evict()
	e.metrics.cacheBytes.Set(float64(e.cache.size))
	e.rememberOutcomes(b)
	for _, d := range b.decided {
		e.answerCall(d.call, d.result)
	}
}

// abortBatch drops all states that the batch may have changed, and the connection, which ends the transaction.
func (e *Engine) abortBatch(b *batch) {
	if b != nil {
		for id := range b.streams {
			e.cache.drop(id)
		}
	}
	e.disconnect()
}

// retryUncommitted handles a batch whose commit failed or is unknown. A command with an idempotency key is decided again: the key tells
// whether it was committed. One without is decided again only if it is certain that nothing was committed.
func (e *Engine) retryUncommitted(b *batch, err error) {
	_, uncertain := errors.AsType[*unknownCommitError](err)
	var again []*call
	for _, d := range b.decided {
		if uncertain && d.call.Key == nil {
			e.answerCall(d.call, result{err: fmt.Errorf("%w: the commit was not acknowledged", ErrUnavailable)})
			continue
		}
		again = append(again, d.call)
	}
	e.failBatch(again, err)
}

// failBatch has the calls of a batch decided again. Unless the batch itself is to blame, PostgreSQL is: all others wait too.
func (e *Engine) failBatch(calls []*call, err error) {
	e.metrics.failedBatches.Inc()
	if refusesRows(err) {
		e.log.Error("PostgreSQL refused a batch", "error", err, "commands", len(calls))
	} else {
		e.fault.Note(context.Background(), err)
		e.pause = time.After(retryPause)
	}
	e.retryCalls(calls, err)
}

// refusesRows reports whether PostgreSQL works, and refuses what a command wants to append.
func refusesRows(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pgerrcode.IsDataException(refused.Code) || pgerrcode.IsIntegrityConstraintViolation(refused.Code) ||
		pgerrcode.IsProgramLimitExceeded(refused.Code))
}

// retryCalls admits the calls again after a pause, in which the loop goes on with others. Those that have failed too often return
// ErrUnavailable.
func (e *Engine) retryCalls(calls []*call, err error) {
	again := calls[:0:0]
	for _, c := range calls {
		if c.attempts++; c.attempts >= mostAttempts {
			e.answerCall(c, unavailable(err))
			continue
		}
		again = append(again, c)
	}
	if len(again) > 0 {
		time.AfterFunc(retryPause, func() { e.again <- again }) // the loop does not end before it has them
	}
}

func unavailable(err error) result { return result{err: fmt.Errorf("%w: %w", ErrUnavailable, err)} }
