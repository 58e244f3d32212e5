package saga

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/command"
	"ticketing/command/catalog"
	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/command/payment"
	"ticketing/command/rejection"
	"ticketing/command/reservation"
)

// state folds a stream as the log has it.
func state[S, E any](t *testing.T, pool *pgxpool.Pool, stream string, evolve func(S, E) S) S {
	t.Helper()
	recorded, err := eventstore.ReadStream(t.Context(), pool, stream, 0, 1_000_000)
	check(t, err)
	var s S
	for _, r := range recorded {
		domainEvent, err := catalog.Registry().Decode(r.Type, r.SchemaVersion, r.Data)
		check(t, err)
		s = evolve(s, domainEvent.(E))
	}
	return s
}

func TestSalesOpenAndCloseByTheClock(t *testing.T) {
	w := newWorld(t, 10)
	runSaga(t, config(w.pool, w, w.clock))
	for _, step := range []struct {
		passes time.Duration
		want   event.Status
	}{
		{time.Hour - time.Microsecond, event.Published},
		{time.Microsecond, event.SalesOpen},
		{2*time.Hour - time.Microsecond, event.SalesOpen},
		{time.Microsecond, event.SalesShut},
	} {
		w.pass(t, step.passes)
		if got := w.eventStatus(t); got != step.want {
			t.Fatalf("at %v: got %s, want %s", w.clock.now(), got, step.want)
		}
	}
}

func TestThousandsOfHoldsExpireInSeconds(t *testing.T) {
	const n = 4_000
	w := newWorld(t, n)
	w.clock.move(time.Hour)
	var customers sync.WaitGroup
	for range 64 {
		customers.Go(func() {
			for range n / 64 {
				w.reserve(t)
			}
		})
	}
	customers.Wait()
	reserved := w.section(t).Reserved
	if reserved < n-64 {
		t.Fatalf("%d of %d seats are reserved", reserved, n)
	}
	runSaga(t, config(w.pool, w, w.clock))
	runSaga(t, config(w.pool, w, w.clock))
	waitUntilIdle(t, w.pool, w.clock)
	began := time.Now()
	w.pass(t, hold)
	took := time.Since(began)
	t.Logf("%d holds expired in %v", reserved, took)
	if left := w.section(t).Reserved; left != 0 || took > 15*time.Second {
		t.Errorf("%d of %d seats are still reserved after %v", left, reserved, took)
	}
}

func TestWhatAnAPIProcessDidNotLiveToFinishIsFinished(t *testing.T) {
	w := newWorld(t, 10)
	runSaga(t, config(w.pool, w, w.clock))
	w.pass(t, time.Hour)
	unpaid, declined, abandoned, lost := w.reserve(t), w.reserve(t), w.reserve(t), w.reserve(t)
	w.payDeclined(t, declined)
	inAction := w.pay(t, abandoned, "pm_card_authenticationRequired", payment.RequiresAction)
	charged := w.pay(t, lost, "pm_sandbox_timeout", payment.Processing)

	w.pass(t, 40*time.Second) // the reconciler asks
	if got := w.paymentStatus(t, charged); got != payment.Completed {
		t.Errorf("the payment whose answer was lost is %s", got)
	}
	if got := w.paymentStatus(t, inAction); got != payment.RequiresAction {
		t.Errorf("the payment that waits for its customer is %s", got)
	}
	w.pass(t, hold-40*time.Second) // the end of the first hold
	w.expect(t, unpaid.ID, reservation.Expired)
	w.expect(t, abandoned.ID, reservation.PaymentPending)
	w.pass(t, hold) // the end of the extended ones
	w.expect(t, declined.ID, reservation.Expired)
	w.expect(t, abandoned.ID, reservation.Expired)
	w.expect(t, lost.ID, reservation.Completed)
	if got := w.paymentStatus(t, inAction); got != payment.Failed {
		t.Errorf("the abandoned payment is %s", got)
	}
	if s := w.section(t); s.Reserved != 0 || s.Sold != 1 {
		t.Errorf("%d seats are reserved, %d sold", s.Reserved, s.Sold)
	}
	w.expectMoney(t, 2500)
}

func TestEverybodyOfACancelledEventGetsTheirMoneyBack(t *testing.T) {
	w := newWorld(t, 100)
	w.clock.move(time.Hour)
	var paid []string
	for _, token := range []string{"pm_card_visa", "pm_card_visa", "pm_sandbox_refundUnavailable", "pm_card_pendingRefund"} {
		r := w.reserve(t)
		w.pay(t, r, token, payment.Completed)
		paid = append(paid, r.ID)
	}
	held, inAction, lost := w.reserve(t), w.reserve(t), w.reserve(t)
	w.pay(t, inAction, "pm_card_authenticationRequired", payment.RequiresAction)
	w.pay(t, lost, "pm_sandbox_timeout", payment.Processing)
	_, err := w.CancelEvent(t.Context(), organizer, w.eventID, "the hall burned down")
	check(t, err)

	runSaga(t, config(w.pool, w, w.clock))
	runSaga(t, config(w.pool, w, w.clock))
	waitUntilIdle(t, w.pool, w.clock)
	w.expect(t, held.ID, reservation.Cancelled)
	w.expect(t, inAction.ID, reservation.Cancelled)
	w.pass(t, time.Minute) // what the gateway had refused or left pending is tried again
	for _, id := range paid {
		w.expect(t, id, reservation.Refunded)
	}
	w.expect(t, lost.ID, reservation.Cancelled)
	if s := w.section(t); s.Reserved != 0 || s.Sold != 0 {
		t.Errorf("%d seats are reserved, %d sold", s.Reserved, s.Sold)
	}
	w.expectMoney(t, 0)
	if rows, jobs := deadlineRows(t, w.pool), unfinished(t, w.pool); len(rows)+len(jobs) != 0 {
		t.Errorf("left are %+v, %+v", rows, jobs)
	}
}

// A process that is killed at any moment leaves nothing undone and has nothing done twice: here work is cut off again and again.
func TestACancelledEventIsWoundUpThoughReplicasDieOverIt(t *testing.T) {
	const n = 120
	w := newWorld(t, n)
	w.clock.move(time.Hour)
	var customers sync.WaitGroup
	for range 10 {
		customers.Go(func() {
			for range n / 10 {
				w.pay(t, w.reserve(t), "pm_card_visa", payment.Completed)
			}
		})
	}
	customers.Wait()
	_, err := w.CancelEvent(t.Context(), organizer, w.eventID, "")
	check(t, err)
	c := config(w.pool, w, w.clock)
	c.Drain, c.Lease = time.Millisecond, 200*time.Millisecond
	for settled := false; !settled; {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		check(t, Run(ctx, c))
		cancel()
		w.clock.move(time.Minute)
		settled, err = Idle(t.Context(), w.pool, w.clock.now())
		check(t, err)
	}
	if s := w.section(t); s.Sold != 0 {
		t.Errorf("%d seats are sold", s.Sold)
	}
	w.expectMoney(t, 0)
	var refunds int
	check(t, w.pool.QueryRow(t.Context(), `SELECT count(*) FROM sandbox_refunds`).Scan(&refunds))
	if refunds != n {
		t.Errorf("%d refunds for %d payments", refunds, n)
	}
}

func (w *world) payDeclined(t *testing.T, r command.Reservation) {
	t.Helper()
	_, err := w.ProcessPayment(t.Context(), customer, command.ProcessPayment{ReservationID: r.ID, CardToken: "pm_card_chargeDeclined"})
	if _, ok := rejection.As(err); !ok {
		t.Fatalf("got %v, want a rejection", err)
	}
}

func (w *world) expect(t *testing.T, reservationID string, want reservation.Status) {
	t.Helper()
	if got := w.status(t, reservationID); got != want {
		t.Errorf("reservation %s is %s, want %s", reservationID, got, want)
	}
}

// expectMoney wants the gateway to have kept just so much.
func (w *world) expectMoney(t *testing.T, want int64) {
	t.Helper()
	var kept int64
	check(t, w.pool.QueryRow(t.Context(), `SELECT coalesce((SELECT sum(minor) FROM sandbox_payments WHERE status = 'succeeded'), 0)::bigint
		- coalesce((SELECT sum(minor) FROM sandbox_refunds WHERE status = 'succeeded'), 0)::bigint`).Scan(&kept))
	if kept != want {
		t.Errorf("the gateway kept %d, want %d", kept, want)
	}
}
