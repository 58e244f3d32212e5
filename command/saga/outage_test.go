package saga

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"ticketing/command"
	"ticketing/command/gateway"
	"ticketing/command/payment"
	"ticketing/command/reservation"
)

// outage is gateways that can be cut off.
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

func TestAGatewayThatIsDownForTenMinutesCostsNobodyAnything(t *testing.T) {
	var o *outage
	w := newWorldBehind(t, 10, func(g command.Gateways) command.Gateways {
		o = &outage{Gateways: g}
		return o
	})
	w.clock.move(time.Hour)
	runSaga(t, config(w.pool, w, w.clock))
	paid, lost, inAction := w.reserve(t), w.reserve(t), w.reserve(t)
	w.pay(t, paid, "pm_card_visa", payment.Completed)
	charged := w.pay(t, lost, "pm_sandbox_timeout", payment.Processing)
	w.pay(t, inAction, "pm_card_authenticationRequired", payment.RequiresAction)

	o.down.Store(true)
	for range 10 {
		w.pass(t, time.Minute)
	}
	w.expect(t, inAction.ID, reservation.PaymentPending) // its hold is over, but who knows what the gateway did
	if got := w.paymentStatus(t, charged); got != payment.Processing || o.calls.Load() < 10 {
		t.Errorf("the payment whose outcome nobody knows is %s after %d calls", got, o.calls.Load())
	}
	_, err := w.CancelEvent(t.Context(), organizer, w.eventID, "")
	check(t, err)
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
		if got := w.status(t, r.ID); got == reservation.PaymentPending || got == reservation.Completed {
			t.Errorf("reservation %s is %s", r.ID, got)
		}
	}
	if rows, jobs := deadlineRows(t, w.pool), unfinished(t, w.pool); len(rows)+len(jobs) != 0 {
		t.Errorf("left are %+v, %+v", rows, jobs)
	}
	w.expectMoney(t, 0)
}
