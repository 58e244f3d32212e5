package saga

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/event"
	"ticketing/command/internal/principal"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/testenv"
)

func TestReplicasShareTheWorkAndDoNothingTwice(t *testing.T) {
	const n, replicas = 3_000, 3
	pool, c := newPool(t), newClock()
	mustRecord(t, pool, start, holds(n, in(time.Minute))...)
	var doubles [replicas]*double
	shared := newDouble() // sees the calls of all replicas
	for i := range doubles {
		doubles[i] = newDouble()
		doubles[i].expireHold = func(ctx context.Context, id string) error {
			defer shared.begin(command.Caller{}, id)()
			return nil
		}
		runSaga(t, config(pool, doubles[i], c))
	}
	waitUntilIdle(t, pool, c)
	if total := shared.total(); total != 0 {
		t.Fatalf("%d holds were worked on before they were due", total)
	}
	c.move(time.Minute)
	waitUntilIdle(t, pool, c)
	if total := shared.total(); total != n || len(shared.calls) != n || len(shared.overlapping) != 0 {
		t.Errorf("%d calls for %d of %d holds; twice at once: %v", total, len(shared.calls), n, shared.overlapping)
	}
	for i, d := range doubles {
		if d.total() == 0 {
			t.Errorf("replica %d did nothing", i)
		}
	}
}

func TestWhatCameDueWhileNothingRanIsDoneAtTheStart(t *testing.T) {
	pool, c, d := newPool(t), newClock(), newDouble()
	d.expireHold = expires(pool, c)
	stop := runSaga(t, config(pool, d, c))
	mustRecord(t, pool, start, holds(10, in(time.Minute))...)
	waitUntilIdle(t, pool, c)
	stop()

	mustRecord(t, pool, in(time.Second), fact{reservation.Stream("rsv_late"), reservation.ReservationInitiated{ExpiresAt: in(2 * time.Minute)}})
	mustRecord(t, pool, in(time.Second), fact{reservation.Stream(holdID(0)), reservation.ReservationCompleted{}})
	c.move(time.Hour)
	runSaga(t, config(pool, d, c))
	waitUntilIdle(t, pool, c)
	if rows := deadlineRows(t, pool); len(rows) != 0 {
		t.Errorf("left are %+v", rows)
	}
	if d.count("expire rsv_late") == 0 || d.count("expire "+holdID(9)) == 0 {
		t.Errorf("got calls %v", d.calls)
	}
}

func TestEachKindCallsItsUseCaseAsTheConsequenceOfItsDomainEvent(t *testing.T) {
	pool, c, d := newPool(t), newClock(), newDouble()
	mustRecord(t, pool, start,
		fact{"reservation-rsv", reservation.ReservationInitiated{ExpiresAt: start}},
		fact{"payment-pay", payment.PaymentInitiated{}},
		fact{"payment-pay", payment.RefundRequested{RefundID: "rfd"}},
		fact{"event-evt", event.EventCreated{SalesOpenAt: at(0), SalesCloseAt: at(0)}},
		fact{"event-evt", event.EventPublished{}},
		fact{"event-off", event.EventCancelled{}},
		fact{"reservation-rsv2", reservation.ReservationCompleted{}},
		fact{"payment-pay", payment.PaymentRefunded{RefundID: "rfd"}},
	)
	c.move(time.Minute)
	runSaga(t, config(pool, d, c))
	waitUntilIdle(t, pool, c)
	var incarnation string
	if err := pool.QueryRow(t.Context(), `SELECT incarnation::text FROM log_incarnation`).Scan(&incarnation); err != nil {
		t.Fatal(err)
	}
	for call, position := range map[string]int{
		"expire rsv": 1, "reconcile pay": 2, "refund pay rfd": 3, "open evt": 5, "close evt": 5, "wind up off": 6,
	} {
		want := command.Caller{Principal: principal.System("saga"), Trace: command.Trace{
			CorrelationID: "request", CausationID: fmt.Sprintf("%s-0-%d", incarnation, position), Traceparent: "trace",
		}}
		if d.count(call) != 1 || d.callers[call] != want {
			t.Errorf("%s: %d calls, the last by %+v, want %+v", call, d.count(call), d.callers[call], want)
		}
	}
	require.Equal(t, 1, d.count("sale rsv2"))
	require.Equal(t, 1, d.count("sale of pay"))
}

func TestADeadlineThatFailsIsTriedAgainLaterAndLaterAndBecomesVisible(t *testing.T) {
	pool, c, d := newPool(t), newClock(), newDouble()
	d.expireHold = func(context.Context, string) error { return errors.New("the database is down") }
	mustRecord(t, pool, start, holds(1, start)...)
	runSaga(t, config(pool, d, c))
	expire := "expire " + holdID(0)
	for attempt := 1; attempt <= mostAttempts; attempt++ {
		waitUntilIdle(t, pool, c)
		got := deadlineRows(t, pool)[0]
		if d.count(expire) != attempt || got.Attempts != attempt || got.LastError != "the database is down" || got.Failed != (attempt == mostAttempts) {
			t.Fatalf("attempt %d: %d calls, row %+v", attempt, d.count(expire), got)
		}
		if pause := got.NextAt.Sub(c.now()); pause != retryAfter(attempt) {
			t.Fatalf("attempt %d: tried again after %v", attempt, pause)
		}
		c.move(retryAfter(attempt) - time.Millisecond)
		waitUntilIdle(t, pool, c)
		c.move(time.Millisecond)
	}
	if lasted := c.now().Sub(start); lasted < 15*time.Minute || lasted > time.Hour {
		t.Errorf("it counts as failed after %v", lasted)
	}
	waitUntilIdle(t, pool, c)
	mustRecord(t, pool, c.now(), fact{reservation.Stream(holdID(0)), reservation.ReservationExpired{}})
	waitUntilIdle(t, pool, c)
	if rows := deadlineRows(t, pool); len(rows) != 0 {
		t.Errorf("left are %+v", rows)
	}
}

func TestWorkThatChangesNothingIsDoneAgainUntilTheLogSaysThatItIsDone(t *testing.T) {
	pool, c, d := newPool(t), newClock(), newDouble()
	mustRecord(t, pool, start, holds(1, start)...)
	runSaga(t, config(pool, d, c))
	waitUntilIdle(t, pool, c)
	c.move(5 * time.Second)
	waitUntilIdle(t, pool, c)
	if d.count("expire "+holdID(0)) != 2 {
		t.Errorf("got calls %v", d.calls)
	}
}

func TestAPanicFailsTheDeadlineAndNotTheProcess(t *testing.T) {
	pool, c, d := newPool(t), newClock(), newDouble()
	d.expireHold = func(_ context.Context, id string) error {
		if id == holdID(0) {
			panic("out of range")
		}
		return nil
	}
	mustRecord(t, pool, start, holds(2, start)...)
	runSaga(t, config(pool, d, c))
	waitUntilIdle(t, pool, c)
	if rows := deadlineRows(t, pool); rows[0].LastError != "panicked: out of range" || rows[1].LastError != "" || d.count("expire "+holdID(1)) != 1 {
		t.Errorf("got %+v", rows)
	}
}

func TestADeadlineOfADeadReplicaComesDueAgain(t *testing.T) {
	pool, c, d := newPool(t), newClock(), newDouble()
	mustRecord(t, pool, start, holds(1, start)...)
	mustFollow(t, newTestFollower(t, pool), 1)
	dead := deadlineTable{pool: pool, kind: Hold, lease: 300 * time.Millisecond}
	taken, err := dead.claimDue(t.Context(), start, 10)
	if err != nil || len(taken) != 1 {
		t.Fatalf("claimed %d, %v", len(taken), err)
	}
	runSaga(t, config(pool, d, c))
	waitUntilIdle(t, pool, c)
	if d.count("expire "+holdID(0)) != 1 {
		t.Errorf("got calls %v", d.calls)
	}
	before := deadlineRows(t, pool)
	late := []claimResult{{claim: taken[0], nextAt: start, attempts: 7}}
	if err := dead.recordResults(t.Context(), late); err != nil || deadlineRows(t, pool)[0] != before[0] {
		t.Errorf("a dead replica's result counted: %v, %+v", err, deadlineRows(t, pool))
	}
}

func TestALeaseIsRenewedWhileWorkGoesOn(t *testing.T) {
	pool, c, d := newPool(t), newClock(), newDouble()
	release := make(chan struct{})
	d.expireHold = func(context.Context, string) error { <-release; return nil }
	mustRecord(t, pool, start, holds(1, start)...)
	cfg := config(pool, d, c)
	cfg.Lease = 300 * time.Millisecond
	runSaga(t, cfg)
	runSaga(t, cfg)
	claimedUntil := func() (until time.Time) {
		if err := pool.QueryRow(t.Context(), `SELECT coalesce(max(claimed_until), '-infinity'::timestamptz) FROM deadlines WHERE claimed_until IS NOT NULL`).Scan(&until); err != nil {
			return time.Time{} // -infinity: not claimed yet
		}
		return until
	}
	var first time.Time
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { first = claimedUntil(); return !first.IsZero(), "not claimed" })
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		until := claimedUntil()
		return until.After(first.Add(3 * cfg.Lease)), fmt.Sprintf("claimed until %v, at first %v", until, first)
	})
	close(release)
	waitUntilIdle(t, pool, c)
	if d.total() != 1 {
		t.Errorf("worked on %d times", d.total())
	}
}

func TestStoppingLetsWorkComeToItsEnd(t *testing.T) {
	for name, test := range map[string]struct {
		drain time.Duration
		hangs bool
		calls int // after the next replica has had its turn
	}{
		"work that ends in time":      {drain: testenv.Patience, calls: 1},
		"work that has to be cut off": {drain: time.Millisecond, hangs: true, calls: 2},
	} {
		t.Run(name, func(t *testing.T) {
			pool, c, d := newPool(t), newClock(), newDouble()
			working, goOn := make(chan struct{}), make(chan struct{})
			begun := sync.OnceFunc(func() { close(working) })
			d.expireHold = func(ctx context.Context, _ string) error {
				begun()
				select {
				case <-goOn:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			mustRecord(t, pool, start, holds(1, start)...)
			cfg := config(pool, d, c)
			cfg.Drain, cfg.Lease = test.drain, time.Hour
			stop := runSaga(t, cfg)
			<-working
			stopped := make(chan struct{})
			go func() { stop(); close(stopped) }()
			if !test.hangs {
				close(goOn)
			}
			<-stopped
			if test.hangs {
				close(goOn)
			}
			runSaga(t, cfg)
			waitUntilIdle(t, pool, c)
			if got := deadlineRows(t, pool)[0]; d.total() != test.calls || got.Attempts != 0 {
				t.Errorf("%d calls, want %d; row %+v", d.total(), test.calls, got)
			}
		})
	}
}
