package saga

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/catalog"
	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/command/payment"
	"ticketing/command/rejection"
	"ticketing/command/reservation"
)

// state folds a stream of the log.
func state[S, E any](t *testing.T, pool *pgxpool.Pool, stream string, evolve func(S, E) S) S {
	t.Helper()
	recorded, err := eventstore.ReadStream(t.Context(), pool, stream, 0, 1_000_000)
	require.NoError(t, err)
	var s S
	for _, r := range recorded {
		domainEvent, err := catalog.Registry().Decode(r.Type, r.SchemaVersion, r.Data)
		require.NoError(t, err)
		s = evolve(s, domainEvent.(E))
	}
	return s
}

func TestSalesOpenAndCloseByTheClock(t *testing.T) {
	w := newWorld(t, 10)
	runSaga(t, config(w.pool, w))
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
		require.Equal(t, step.want, w.eventStatus(t), "at %v", w.clock.Now())
	}
}

func TestThousandsOfHoldsExpireInSeconds(t *testing.T) {
	const n = 4_000
	w := newWorld(t, n)
	w.clock.Move(time.Hour)
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
	require.GreaterOrEqual(t, reserved, n-64)
	runSaga(t, config(w.pool, w))
	runSaga(t, config(w.pool, w))
	waitUntilIdle(t, w.pool)
	began := time.Now()
	w.pass(t, hold)
	took := time.Since(began)
	t.Logf("%d holds expired in %v", reserved, took)
	require.Zero(t, w.section(t).Reserved)
	require.Less(t, took, 15*time.Second)
}

func TestWhatAnAPIProcessDidNotLiveToFinishIsFinished(t *testing.T) {
	w := newWorld(t, 10)
	runSaga(t, config(w.pool, w))
	w.pass(t, time.Hour)
	unpaid, declined, abandoned, lost := w.reserve(t), w.reserve(t), w.reserve(t), w.reserve(t)
	w.payDeclined(t, declined)
	inAction := w.pay(t, abandoned, "pm_card_authenticationRequired", payment.RequiresAction)
	paid := w.pay(t, lost, "pm_sandbox_timeout", payment.Processing)

	w.pass(t, 40*time.Second) // the reconciler asks
	require.Equal(t, payment.Completed, w.paymentStatus(t, paid), "its response was lost")
	require.Equal(t, payment.RequiresAction, w.paymentStatus(t, inAction))
	w.pass(t, hold-40*time.Second) // the end of the first hold
	w.expect(t, unpaid.ID, reservation.Expired)
	w.expect(t, abandoned.ID, reservation.PaymentPending)
	w.pass(t, hold) // the end of the extended ones
	w.expect(t, declined.ID, reservation.Expired)
	w.expect(t, abandoned.ID, reservation.Expired)
	w.expect(t, lost.ID, reservation.Completed)
	require.Equal(t, payment.Failed, w.paymentStatus(t, inAction))
	w.expectSeats(t, 0, 1)
	w.expectMoney(t, 2500)
}

func TestEachCustomerOfACancelledEventGetsTheirMoneyBack(t *testing.T) {
	w := newWorld(t, 100)
	w.clock.Move(time.Hour)
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
	require.NoError(t, err)

	runSaga(t, config(w.pool, w))
	runSaga(t, config(w.pool, w))
	waitUntilIdle(t, w.pool)
	w.expect(t, held.ID, reservation.Cancelled)
	w.expect(t, inAction.ID, reservation.Cancelled)
	w.pass(t, time.Minute) // what the gateway refused or left pending is tried again
	for _, id := range paid {
		w.expect(t, id, reservation.Refunded)
	}
	w.expect(t, lost.ID, reservation.Cancelled)
	w.expectSeats(t, 0, 0)
	w.expectMoney(t, 0)
	require.Empty(t, deadlineRows(t, w.pool))
	require.Empty(t, unfinished(t, w.pool))
}

// A process that is killed at any moment leaves nothing undone and has nothing done twice: here work is cut off again and again.
func TestACancelledEventIsWoundUpThoughReplicasDieOverIt(t *testing.T) {
	const n = 120
	w := newWorld(t, n)
	w.clock.Move(time.Hour)
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
	require.NoError(t, err)
	c := config(w.pool, w)
	c.Drain, c.Lease = time.Millisecond, 200*time.Millisecond
	life := 100 * time.Millisecond
	for settled := false; !settled; life += life / 10 { // on a busy machine, a replica must live longer to get anything done
		ctx, cancel := context.WithTimeout(t.Context(), life)
		require.NoError(t, Run(ctx, c))
		cancel()
		w.clock.Move(time.Minute)
		settled, err = Idle(t.Context(), w.pool)
		require.NoError(t, err)
	}
	require.Zero(t, w.section(t).Sold)
	w.expectMoney(t, 0)
	var refunds int
	require.NoError(t, w.pool.QueryRow(t.Context(), `SELECT count(*) FROM sandbox_refunds`).Scan(&refunds))
	require.Equal(t, n, refunds)
}

func (w *world) payDeclined(t *testing.T, r command.Reservation) {
	t.Helper()
	_, err := w.ProcessPayment(t.Context(), customer, command.ProcessPayment{ReservationID: r.ID, CardToken: "pm_card_chargeDeclined"})
	_, ok := rejection.As(err)
	require.True(t, ok, "%v", err)
}

func (w *world) expect(t *testing.T, reservationID string, want reservation.Status) {
	t.Helper()
	require.Equal(t, want, w.status(t, reservationID), "reservation %s", reservationID)
}

func (w *world) expectSeats(t *testing.T, reserved, sold int) {
	t.Helper()
	s := w.section(t)
	require.Equal(t, reserved, s.Reserved, "reserved seats")
	require.Equal(t, sold, s.Sold, "sold seats")
}

// expectMoney compares how much the gateway has kept.
func (w *world) expectMoney(t *testing.T, want int64) {
	t.Helper()
	var kept int64
	require.NoError(t, w.pool.QueryRow(t.Context(), `SELECT coalesce((SELECT sum(minor) FROM sandbox_payments WHERE status = 'succeeded'), 0)::bigint
		- coalesce((SELECT sum(minor) FROM sandbox_refunds WHERE status = 'succeeded'), 0)::bigint`).Scan(&kept))
	require.Equal(t, want, kept)
}
