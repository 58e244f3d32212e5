package relay

import (
	"context"

	"github.com/sony/gobreaker/v2"
)

// breakerFailures is the number of failures in a row that open the breaker. After longestRetry it lets one attempt through: that is
// shorter than for payment gateways, because all readers wait meanwhile.
const breakerFailures = 5

// breaker is the circuit breaker around the broker.
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

// guard calls f, which uses the broker, unless the breaker is open. An error after ctx has ended does not count as a failure.
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
