package saga

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"ticketing/internal/supervise"
)

const (
	workTimeout = 5 * time.Minute // of a deadline or a job: it may call a gateway a few times, or wind up a large event
	sqlTimeout  = 5 * time.Second // of one statement, which a lane waits for: its connection may be silently gone
)

// lane works on the deadlines of one kind, a limited number at once and independently of the other kinds: sales that can't open must not
// keep holds from expiring. All of its state belongs to the goroutine of run.
type lane struct {
	deadlineTable

	slots   int
	work    useCase
	drain   time.Duration
	metrics *metrics
	log     *slog.Logger
	fault   *supervise.Fault

	wake  chan struct{}  // something may be due
	ended chan endedWork // has room for all slots, so that work never waits for the lane
	held  map[string]claim
	more  bool // the last claim filled all slots, so more may be due
}

// endedWork is a claim whose work has ended.
type endedWork struct {
	claim claim
	err   error
}

func newLane(c Config, m *metrics, kind Kind, slots int, w useCase) *lane {
	return &lane{
		deadlineTable: deadlineTable{pool: c.Pool, kind: kind, lease: c.Lease},
		slots:         slots, work: w, drain: c.Drain, metrics: m, log: c.Logger,
		fault: supervise.NewFault("claiming and recording deadlines of "+string(kind), c.Logger),
		wake:  make(chan struct{}, 1), ended: make(chan endedWork, slots), held: make(map[string]claim, slots),
	}
}

// run claims deadlines and records results until ctx ends, and then waits for the work that was begun.
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
			l.startDue(ctx, working)
		case e := <-l.ended:
			l.recordEnded(working, e)
			if l.more {
				l.startDue(ctx, working)
			}
		case <-renew.C:
			l.renewHeld(working)
		}
	}
	return nil
}

// startDue claims as many due deadlines as there are free slots and starts working on them.
func (l *lane) startDue(ctx, working context.Context) {
	room := l.slots - len(l.held)
	if room == 0 || ctx.Err() != nil {
		l.more = ctx.Err() == nil
		return
	}
	sqlCtx, cancel := context.WithTimeout(ctx, sqlTimeout)
	defer cancel()
	taken, err := l.claimDue(sqlCtx, room)
	if err != nil {
		l.reportFailure(ctx, err)
		return
	}
	l.fault.Note(ctx, nil)
	l.more = len(taken) == room
	for _, c := range taken {
		l.held[c.id] = c
		go func() { l.ended <- l.callUseCase(working, c) }()
	}
}

// callUseCase works on one claim. A panic fails the claim, not the process: otherwise it would end one replica after the other.
func (l *lane) callUseCase(working context.Context, c claim) (e endedWork) {
	ctx, cancel := context.WithTimeout(working, workTimeout)
	defer cancel()
	e.claim = c
	ctx, by, done := startWork(ctx, string(l.kind), c.caller())
	defer func() { done(l.log, e.err, "id", c.id) }()
	defer func() {
		if p := recover(); p != nil {
			l.log.ErrorContext(ctx, "the saga's work panicked", "kind", l.kind, "id", c.id, "panic", p, "stack", string(debug.Stack()))
			e.err = fmt.Errorf("panicked: %v", p)
		}
	}()
	e.err = l.work(ctx, by, c.id)
	return e
}

// recordEnded writes the results of first and of all other work that has ended meanwhile, in one statement. If it fails, the leases expire
// and the work is done again.
func (l *lane) recordEnded(working context.Context, first endedWork) {
	all := []endedWork{first}
	for len(l.ended) > 0 {
		all = append(all, <-l.ended)
	}
	results := make([]claimResult, len(all))
	for i, e := range all {
		delete(l.held, e.claim.id)
		results[i] = l.resultOf(working, e)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(working), sqlTimeout)
	defer cancel()
	if err := l.recordResults(ctx, results); err != nil {
		l.reportFailure(ctx, err)
	}
}

// resultOf returns what to write of a claim whose work has ended.
func (l *lane) resultOf(working context.Context, e endedWork) claimResult {
	r := claimResult{claim: e.claim, pause: recheckAfter(e.claim.claimedAt.Sub(e.claim.dueAt))}
	switch {
	case e.err == nil:
		l.metrics.countHandled(string(l.kind), "done")
	case isPending(e.err):
		l.metrics.countHandled(string(l.kind), "not_yet")
		r.lastError = e.err.Error()
	case working.Err() != nil: // interrupted by the shutdown: another replica may start at once
		r.pause, r.attempts = 0, e.claim.attempts
	default:
		l.metrics.countHandled(string(l.kind), "failed")
		r.attempts = e.claim.attempts + 1
		r.pause, r.lastError, r.failed = retryAfter(r.attempts), e.err.Error(), r.attempts >= mostAttempts
		l.log.WarnContext(working, "the work of a deadline failed and is tried again", "kind", l.kind, "id", e.claim.id,
			"due", e.claim.dueAt, "attempts", r.attempts, "again after", r.pause.String(), "error", e.err)
	}
	return r
}

func (l *lane) renewHeld(working context.Context) {
	if len(l.held) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(working), sqlTimeout)
	defer cancel()
	if err := l.renewLeases(ctx, slices.Collect(maps.Values(l.held))); err != nil {
		l.reportFailure(ctx, err)
	}
}

func (l *lane) reportFailure(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	l.metrics.sweepFailures.Inc()
	l.fault.Note(ctx, err)
}
