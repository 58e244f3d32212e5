package saga

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"time"
)

const (
	workTimeout = 5 * time.Minute  // of one use case: it may call a gateway a few times, or wind up a large event; a job's too
	sqlTimeout  = 10 * time.Second // of one statement
)

// lane works off the deadlines of one kind, so many at once, whatever becomes of the other kinds: sales that can't open must not keep
// holds from expiring. All of its state belongs to the goroutine of run.
type lane struct {
	claims

	slots   int
	work    work
	drain   time.Duration
	now     func() time.Time
	metrics *metrics
	log     *slog.Logger

	wake  chan struct{} // something may be due
	ended chan ended    // has room for all slots: work never waits for the lane
	held  map[string]claim
	more  bool // the last look found as much as there was room for
}

// ended is a claim whose work has ended.
type ended struct {
	claim claim
	err   error
}

func newLane(c Config, m *metrics, kind Kind, slots int, w work) *lane {
	return &lane{
		claims: claims{pool: c.Pool, kind: kind, lease: c.Lease},
		slots:  slots, work: w, drain: c.Drain, now: c.Clock, metrics: m, log: c.Logger,
		wake: make(chan struct{}, 1), ended: make(chan ended, slots), held: make(map[string]claim, slots),
	}
}

// run claims and settles until ctx ends, and then waits for what is being worked on.
func (l *lane) run(ctx context.Context) error {
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	renew := time.NewTicker(l.lease / 3)
	defer renew.Stop()
	var giveUp <-chan time.Time
	done := ctx.Done()
	for done != nil || len(l.held) > 0 {
		select {
		case <-done:
			done, giveUp = nil, time.After(l.drain)
		case <-giveUp:
			stop()
		case <-l.wake:
			l.take(ctx, working)
		case e := <-l.ended:
			l.settle(working, e)
			if l.more {
				l.take(ctx, working)
			}
		case <-renew.C:
			l.renew(working)
		}
	}
	return nil
}

// take claims as many deadlines as there is room for and starts working on them.
func (l *lane) take(ctx, working context.Context) {
	room := l.slots - len(l.held)
	if room == 0 || ctx.Err() != nil {
		l.more = ctx.Err() == nil
		return
	}
	sqlCtx, cancel := context.WithTimeout(ctx, sqlTimeout)
	defer cancel()
	taken, err := l.claims.take(sqlCtx, l.now(), room)
	if err != nil {
		l.failed(ctx, err)
		return
	}
	l.more = len(taken) == room
	for _, c := range taken {
		l.held[c.id] = c
		go func() { l.ended <- l.handle(working, c) }()
	}
}

// handle works on one claim. A panic fails the claim, not the process: all replicas would die of the same one.
func (l *lane) handle(working context.Context, c claim) (e ended) {
	ctx, cancel := context.WithTimeout(working, workTimeout)
	defer cancel()
	e.claim = c
	defer func() {
		if p := recover(); p != nil {
			l.log.ErrorContext(ctx, "the saga's work panicked", "kind", l.kind, "id", c.id, "panic", p, "stack", string(debug.Stack()))
			e.err = fmt.Errorf("panicked: %v", p)
		}
	}()
	e.err = l.work(ctx, c.caller(), c.id)
	return e
}

// settle writes what became of first and of whatever else has ended meanwhile, in one statement. When it fails, the leases run out and
// the work is done again.
func (l *lane) settle(working context.Context, first ended) {
	all := []ended{first}
	for len(l.ended) > 0 {
		all = append(all, <-l.ended)
	}
	results := make([]result, len(all))
	for i, e := range all {
		delete(l.held, e.claim.id)
		results[i] = l.judge(working, e)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(working), sqlTimeout)
	defer cancel()
	if err := l.claims.settle(ctx, results); err != nil {
		l.failed(ctx, err)
	}
}

// judge says what becomes of a claim whose work has ended.
func (l *lane) judge(working context.Context, e ended) result {
	now := l.now()
	r := result{claim: e.claim, nextAt: now.Add(recheckAfter(now.Sub(e.claim.dueAt)))}
	switch {
	case e.err == nil:
		l.metrics.countHandled(string(l.kind), "done")
	case isPending(e.err):
		l.metrics.countHandled(string(l.kind), "not_yet")
		r.lastError = e.err.Error()
	case working.Err() != nil: // cut off by the shutdown: the next replica may begin at once
		r.nextAt, r.attempts = now, e.claim.attempts
	default:
		l.metrics.countHandled(string(l.kind), "failed")
		r.attempts = e.claim.attempts + 1
		r.nextAt, r.lastError, r.failed = now.Add(retryAfter(r.attempts)), e.err.Error(), r.attempts >= mostAttempts
		l.log.WarnContext(working, "a deadline could not be met and is tried again", "kind", l.kind, "id", e.claim.id,
			"due", e.claim.dueAt, "attempts", r.attempts, "again", r.nextAt, "error", e.err)
	}
	return r
}

func (l *lane) renew(working context.Context) {
	if len(l.held) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(working), sqlTimeout)
	defer cancel()
	if err := l.claims.renew(ctx, slices.Collect(maps.Values(l.held))); err != nil {
		l.failed(ctx, err)
	}
}

func (l *lane) failed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	l.metrics.sweepFailures.Inc()
	l.log.ErrorContext(ctx, "the saga's sweep failed", "error", err)
}
