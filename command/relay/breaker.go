package relay

import (
	"context"

	"github.com/sony/gobreaker/v2"
)

// breakerFailures is how many times in a row the broker may fail until nothing is sent to it any more; after longestRetry one try may pass.
// A payment gateway gets half a minute, since customers can come back. Here all readers wait, so the pause is short.
const breakerFailures = 5

// breaker is the circuit breaker around the broker. Its sessions come one after another, so one may pass at a time.
type breaker struct {
	*gobreaker.TwoStepCircuitBreaker[struct{}]
}

func newBreaker(m *metrics) *breaker {
	return &breaker{gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name: "broker", MaxRequests: 1, Timeout: longestRetry,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= breakerFailures },
		OnStateChange: func(_ string, _, to gobreaker.State) {
			open := map[gobreaker.State]float64{gobreaker.StateOpen: 1, gobreaker.StateHalfOpen: 0.5}
			m.breakerOpen.Set(open[to])
		},
	})}
}

// guard runs what talks to the broker, if it may. What ends because the relay is told to end says nothing about the broker.
func (b *breaker) guard(ctx context.Context, f func() error) error {
	report, refused := b.Allow()
	if refused != nil {
		return refused
	}
	err := f()
	if ctx.Err() != nil {
		report(nil)
		return err
	}
	report(err)
	return err
}
