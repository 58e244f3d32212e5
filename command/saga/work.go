package saga

import (
	"context"
	"errors"

	"ticketing/command"
)

// then says what comes after work that went well.
type then int

const (
	untilLogged then = iota // a domain event ends the deadline; should it not come, the work is done again
	again                   // a part is done, the rest is due at once
	over                    // nothing is left to do, and no domain event says so
)

// work calls the use case that a deadline is for.
type work func(ctx context.Context, by command.Caller, c claim) (then, error)

// How much of a kind is worked on at once follows from what the work waits for: holds wait for the engine, which makes batches of
// up to 512 of them; payments and refunds wait for a gateway, which has limits of its own.
const (
	besideEngine  = 512
	besideGateway = 32
	few           = 8
)

// newLanes answers a lane for each kind.
func newLanes(c Config, m *metrics) []*lane {
	s := c.Service
	byID := func(call func(context.Context, command.Caller, string) error) work {
		return func(ctx context.Context, by command.Caller, d claim) (then, error) {
			return untilLogged, call(ctx, by, d.id)
		}
	}
	refund := func(ctx context.Context, by command.Caller, d claim) (then, error) {
		return untilLogged, s.ExecuteRefund(ctx, by, d.paymentID, d.id)
	}
	windUp := func(ctx context.Context, by command.Caller, d claim) (then, error) {
		if done, err := s.WindUpEvent(ctx, by, d.id); err != nil || !done {
			return again, err
		}
		return over, nil
	}
	return []*lane{
		newLane(c, m, Hold, besideEngine, byID(s.ExpireHold)),
		newLane(c, m, Payment, besideGateway, byID(s.ReconcilePayment)),
		newLane(c, m, Refund, besideGateway, refund),
		newLane(c, m, SalesOpen, few, byID(s.OpenScheduledSales)),
		newLane(c, m, SalesClose, few, byID(s.CloseScheduledSales)),
		newLane(c, m, EventCancelled, few, windUp),
	}
}

// notYet says that nothing went wrong and that it is to be asked again.
func notYet(err error) bool {
	return errors.Is(err, command.ErrStillProcessing) || errors.Is(err, command.ErrRefundPending)
}
