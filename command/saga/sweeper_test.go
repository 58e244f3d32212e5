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
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/testenv"
)

func TestReplicasShareTheWorkAndDoNothingTwice(t *testing.T) {
	const n, replicas = 3_000, 3
	pool, c := newTimedPool(t)
	mustRecord(t, pool, start, holds(n, in(time.Minute))...)
	var doubles [replicas]*double
	shared := newDouble() // sees the calls of all replicas
	for i := range doubles {
		doubles[i] = newDouble()
		doubles[i].expireHold = func(ctx context.Context, id string) error {
			defer shared.begin(command.Caller{}, id)()
			return nil
		}
		runSaga(t, config(pool, doubles[i]))
	}
	waitUntilIdle(t, pool)
	require.Zero(t, shared.total(), "holds that were worked on before they were due")
	c.Move(time.Minute)
	waitUntilIdle(t, pool)
	require.Equal(t, n, shared.total())
	require.Len(t, shared.calls, n)
	require.Empty(t, shared.overlapping)
	for i, d := range doubles {
		require.NotZero(t, d.total(), "calls by replica %d", i)
	}
}

func TestWhatBecameDueWhileNothingRanIsDoneAtTheStart(t *testing.T) {
	pool, c := newTimedPool(t)
	d := newDouble()
	d.expireHold = expires(pool, c)
	stop := runSaga(t, config(pool, d))
	mustRecord(t, pool, start, holds(10, in(time.Minute))...)
	waitUntilIdle(t, pool)
	stop()

	mustRecord(t, pool, in(time.Second), fact{reservation.Stream("rsv_late"), reservation.ReservationInitiated{ExpiresAt: in(2 * time.Minute)}})
	mustRecord(t, pool, in(time.Second), fact{reservation.Stream(holdID(0)), reservation.ReservationCompleted{}})
	c.Move(time.Hour)
	runSaga(t, config(pool, d))
	waitUntilIdle(t, pool)
	require.Empty(t, deadlineRows(t, pool))
	require.NotZero(t, d.count("expire rsv_late"))
	require.NotZero(t, d.count("expire "+holdID(9)))
}

func TestEachKindCallsItsUseCaseAsTheConsequenceOfItsDomainEvent(t *testing.T) {
	pool, c := newTimedPool(t)
	d := newDouble()
	mustRecord(t, pool, start,
		fact{"reservation-rsv", reservation.ReservationInitiated{ExpiresAt: start}},
		fact{"payment-pay", payment.PaymentInitiated{}},
		fact{"payment-pay", payment.RefundRequested{RefundID: "rfd"}},
		fact{"event-evt", event.EventCreated{StartsAt: in(24 * time.Hour), SalesOpenAt: at(0), SalesCloseAt: at(30 * time.Second)}},
		fact{"event-evt", event.EventPublished{}},
		fact{"event-off", event.EventCancelled{}},
		fact{"reservation-rsv2", reservation.ReservationCompleted{}},
		fact{"payment-pay", payment.PaymentRefunded{RefundID: "rfd"}},
		fact{"inventory-off", inventory.InventoryAdded{}},
	)
	c.Move(time.Minute)
	runSaga(t, config(pool, d))
	waitUntilIdle(t, pool)
	var incarnation string
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT incarnation::text FROM log_incarnation`).Scan(&incarnation))
	for call, position := range map[string]int{
		"expire rsv": 1, "reconcile pay": 2, "refund pay rfd": 3, "open evt": 5, "close evt": 5, "wind up off": 6,
	} {
		want := command.Caller{Principal: principal.System("saga"), Trace: command.Trace{
			CorrelationID: "request", CausationID: fmt.Sprintf("%s-0-%d", incarnation, position), Traceparent: "trace",
		}}
		require.Equal(t, 1, d.count(call), call)
		require.Equal(t, want, d.callers[call], call)
	}
	require.Equal(t, 1, d.count("purchase rsv2"))
	require.Equal(t, 1, d.count("purchase by pay"))
}

func TestADeadlineThatFailsIsTriedAgainLaterAndLaterAndBecomesVisible(t *testing.T) {
	pool, c := newTimedPool(t)
	d := newDouble()
	d.expireHold = func(context.Context, string) error { return errors.New("the database is down") }
	mustRecord(t, pool, start, holds(1, start)...)
	runSaga(t, config(pool, d))
	expire := "expire " + holdID(0)
	for attempt := 1; attempt <= mostAttempts; attempt++ {
		waitUntilIdle(t, pool)
		got := deadlineRows(t, pool)[0]
		require.Equal(t, attempt, d.count(expire))
		require.Equal(t, attempt, got.Attempts)
		require.Equal(t, "the database is down", got.LastError)
		require.Equal(t, attempt == mostAttempts, got.Failed, "attempt %d", attempt)
		require.Equal(t, retryAfter(attempt), got.NextAt.Sub(c.Now()), "the pause after attempt %d", attempt)
		c.Move(retryAfter(attempt) - time.Millisecond)
		waitUntilIdle(t, pool)
		c.Move(time.Millisecond)
	}
	lasted := c.Now().Sub(start) // until it counts as failed
	require.GreaterOrEqual(t, lasted, 15*time.Minute)
	require.LessOrEqual(t, lasted, time.Hour)
	waitUntilIdle(t, pool)
	mustRecord(t, pool, c.Now(), fact{reservation.Stream(holdID(0)), reservation.ReservationExpired{}})
	waitUntilIdle(t, pool)
	require.Empty(t, deadlineRows(t, pool))
}

func TestWorkThatChangesNothingIsDoneAgainUntilTheLogSaysThatItIsDone(t *testing.T) {
	pool, c := newTimedPool(t)
	d := newDouble()
	mustRecord(t, pool, start, holds(1, start)...)
	runSaga(t, config(pool, d))
	waitUntilIdle(t, pool)
	c.Move(5 * time.Second)
	waitUntilIdle(t, pool)
	require.Equal(t, 2, d.count("expire "+holdID(0)))
}

func TestAPanicFailsTheDeadlineAndNotTheProcess(t *testing.T) {
	pool, _ := newTimedPool(t)
	d := newDouble()
	d.expireHold = func(_ context.Context, id string) error {
		if id == holdID(0) {
			panic("out of range")
		}
		return nil
	}
	mustRecord(t, pool, start, holds(2, start)...)
	runSaga(t, config(pool, d))
	waitUntilIdle(t, pool)
	rows := deadlineRows(t, pool)
	require.Equal(t, "panicked: out of range", rows[0].LastError)
	require.Empty(t, rows[1].LastError)
	require.Equal(t, 1, d.count("expire "+holdID(1)))
}

func TestADeadlineOfADeadReplicaIsDueAgain(t *testing.T) {
	pool, _ := newTimedPool(t)
	d := newDouble()
	mustRecord(t, pool, start, holds(1, start)...)
	mustFollow(t, newTestFollower(t, pool), 1)
	dead := deadlineTable{pool: pool, kind: Hold, lease: 300 * time.Millisecond}
	claimed, err := dead.claimDue(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, claimed, 1)
	runSaga(t, config(pool, d))
	waitUntilIdle(t, pool)
	require.Equal(t, 1, d.count("expire "+holdID(0)))
	before := deadlineRows(t, pool)
	late := []claimResult{{claim: claimed[0], attempts: 7}}
	require.NoError(t, dead.recordResults(t.Context(), late))
	require.Equal(t, before, deadlineRows(t, pool), "a dead replica's result counted")
}

func TestALeaseIsRenewedWhileWorkGoesOn(t *testing.T) {
	pool, _ := newTimedPool(t)
	d := newDouble()
	release := make(chan struct{})
	d.expireHold = func(context.Context, string) error { <-release; return nil }
	mustRecord(t, pool, start, holds(1, start)...)
	cfg := config(pool, d)
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
	waitUntilIdle(t, pool)
	require.Equal(t, 1, d.total())
}

func TestStoppingWaitsForWorkThatWasBegun(t *testing.T) {
	for name, test := range map[string]struct {
		drain time.Duration
		hangs bool
		calls int // in the end, when another replica has run
	}{
		"work that ends in time":          {drain: testenv.Patience, calls: 1},
		"work that has to be interrupted": {drain: time.Millisecond, hangs: true, calls: 2},
	} {
		t.Run(name, func(t *testing.T) {
			pool, _ := newTimedPool(t)
			d := newDouble()
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
			cfg := config(pool, d)
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
			waitUntilIdle(t, pool)
			require.Equal(t, test.calls, d.total())
			require.Zero(t, deadlineRows(t, pool)[0].Attempts)
		})
	}
}
