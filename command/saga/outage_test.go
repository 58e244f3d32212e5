package saga

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/gateway"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/testenv"
)

// outage is gateways that can become unreachable.
type outage struct {
	command.Gateways

	down  atomic.Bool
	calls atomic.Int64 // that failed
}

func (o *outage) ByName(name string) (gateway.Gateway, error) {
	g, err := o.Gateways.ByName(name)
	return unreachable{g, o}, err
}

type unreachable struct {
	gateway.Gateway

	outage *outage
}

func (u unreachable) check() error {
	if !u.outage.down.Load() {
		return nil
	}
	u.outage.calls.Add(1)
	return fmt.Errorf("reach the gateway: %w", gateway.ErrUnavailable)
}

func (u unreachable) Lookup(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	if err := u.check(); err != nil {
		return gateway.Result{}, err
	}
	return u.Gateway.Lookup(ctx, p)
}

func (u unreachable) Cancel(ctx context.Context, p gateway.Payment) (gateway.Result, error) {
	if err := u.check(); err != nil {
		return gateway.Result{}, err
	}
	return u.Gateway.Cancel(ctx, p)
}

func (u unreachable) Refund(ctx context.Context, r gateway.Refund) (gateway.RefundResult, error) {
	if err := u.check(); err != nil {
		return gateway.RefundResult{}, err
	}
	return u.Gateway.Refund(ctx, r)
}

func TestAGatewayThatIsDownForTenMinutesCostsNothing(t *testing.T) {
	var o *outage
	w := newWorldBehind(t, 10, func(g command.Gateways) command.Gateways {
		o = &outage{Gateways: g}
		return o
	})
	w.clock.Move(time.Hour)
	runSaga(t, config(w.pool, w))
	paid, lost, inAction := w.reserve(t), w.reserve(t), w.reserve(t)
	w.pay(t, paid, "pm_card_visa", payment.Completed)
	unknown := w.pay(t, lost, "pm_sandbox_timeout", payment.Processing)
	w.pay(t, inAction, "pm_card_authenticationRequired", payment.RequiresAction)

	o.down.Store(true)
	for range 10 {
		w.pass(t, time.Minute)
	}
	w.expect(t, inAction.ID, reservation.PaymentPending) // its hold is over, but the gateway may have taken the money
	require.Equal(t, payment.Processing, w.paymentStatus(t, unknown))
	require.GreaterOrEqual(t, o.calls.Load(), int64(10))
	_, err := w.CancelEvent(t.Context(), organizer, w.eventID, "")
	require.NoError(t, err)
	for range 10 {
		w.pass(t, time.Minute)
	}
	w.expect(t, paid.ID, reservation.Completed)

	o.down.Store(false)
	for range 15 {
		w.pass(t, time.Minute)
	}
	w.expect(t, paid.ID, reservation.Refunded)
	for _, r := range []command.Reservation{lost, inAction} {
		require.NotContains(t, []reservation.Status{reservation.PaymentPending, reservation.Completed}, w.status(t, r.ID))
	}
	require.Empty(t, deadlineRows(t, w.pool))
	require.Empty(t, unfinished(t, w.pool))
	w.expectMoney(t, 0)
}

// The database is away, silent or not migrated as a saga starts: it goes on once that is over.
func TestASagaStartsOnceItsDatabaseWorks(t *testing.T) {
	pool, _ := newTimedPool(t)
	d := newDouble()
	mustRecord(t, pool, start, refunds(1)...)
	_, err := pool.Exec(t.Context(), `ALTER TABLE saga_replicas RENAME TO away`)
	require.NoError(t, err)
	cfg, faults := config(pool, d), &strings.Builder{}
	noted := make(chan struct{})
	cfg.Logger = slog.New(slog.NewTextHandler(&firstLine{to: faults, written: noted}, nil))
	runSaga(t, cfg)
	<-noted
	require.Contains(t, faults.String(), "starting the saga fails")
	_, err = pool.Exec(t.Context(), `ALTER TABLE away RENAME TO saga_replicas`)
	require.NoError(t, err)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return d.count("refund pay rfd0") == 1, "not refunded" })
}

// firstLine keeps the first line of a log.
type firstLine struct {
	to      *strings.Builder
	written chan struct{}
	once    sync.Once
}

func (l *firstLine) Write(line []byte) (int, error) {
	l.once.Do(func() {
		l.to.Write(line)
		close(l.written)
	})
	return len(line), nil
}
