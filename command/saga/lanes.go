package saga

import (
	"context"
	"errors"

	"ticketing/command"
)

// useCase does what a deadline is for. Its success does not end the deadline, a domain event does; without one the work is done again.
type useCase func(ctx context.Context, by command.Caller, id string) error

// How many of a kind are worked on at once depends on what the work waits for: holds wait for the engine, which makes batches of up to 512
// of them; payments, refunds and webhooks wait for a gateway, which has limits of its own.
const (
	besideEngine  = 512
	besideGateway = 32
	few           = 8
)

// newLanes returns a lane for each kind of deadline.
func newLanes(c Config, m *metrics) []*lane {
	s := c.Service
	return []*lane{
		newLane(c, m, Hold, besideEngine, s.ExpireHold),
		newLane(c, m, SalesOpen, few, s.OpenScheduledSales),
		newLane(c, m, SalesClose, few, s.CloseScheduledSales),
	}
}

// isPending reports whether err says that nothing went wrong and that the gateway is to be asked again.
func isPending(err error) bool {
	return errors.Is(err, command.ErrStillProcessing) || errors.Is(err, command.ErrRefundPending)
}
