package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/sony/gobreaker/v2"
)

// The circuit breaker: how many calls fail in a row until nothing is sent any more, and for how long, until one call may try.
const (
	breakerFailures = 5
	breakerOpen     = 30 * time.Second
)

// errCallerLeft marks an error that came after the caller had given up: it says nothing about the gateway.
var errCallerLeft = errors.New("the caller gave up")

// guarded puts a timeout and a circuit breaker around a gateway. While the breaker is open every call is ErrUnavailable at once, and
// nothing is sent. A decline is an answer and counts as success, and so does ErrUnknownPayment.
type guarded struct {
	Gateway

	timeout time.Duration
	breaker *gobreaker.TwoStepCircuitBreaker[struct{}]
	metrics *metrics
}

func newGuarded(g Gateway, timeout time.Duration, m *metrics, log *slog.Logger) *guarded {
	m.breakerOpen.WithLabelValues(g.Name()).Set(0)
	return &guarded{
		Gateway: g, timeout: timeout, metrics: m,
		breaker: gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
			Name: g.Name(), MaxRequests: 1, Timeout: breakerOpen,
			ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= breakerFailures },
			IsSuccessful: func(err error) bool { return err == nil || errors.Is(err, ErrUnknownPayment) },
			IsExcluded:   func(err error) bool { return errors.Is(err, errCallerLeft) },
			OnStateChange: func(name string, from, to gobreaker.State) {
				log.Warn("a payment gateway's circuit breaker changed", "gateway", name, "from", from.String(), "to", to.String())
				m.setBreaker(name, to)
			},
		}),
	}
}

// Create implements Gateway. It charges nothing, so whatever goes wrong with it is ErrUnavailable: also a timeout.
func (g *guarded) Create(ctx context.Context, p Payment) (Result, error) {
	result, err := guardCall(ctx, g, "create", func(ctx context.Context) (Result, error) { return g.Gateway.Create(ctx, p) })
	if err != nil && !errors.Is(err, ErrUnavailable) {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return result, err
}

// Confirm implements Gateway. What becomes of a call that times out is not known.
func (g *guarded) Confirm(ctx context.Context, p Payment) (Result, error) {
	return guardCall(ctx, g, "confirm", func(ctx context.Context) (Result, error) { return g.Gateway.Confirm(ctx, p) })
}

// Lookup implements Gateway.
func (g *guarded) Lookup(ctx context.Context, p Payment) (Result, error) {
	return guardCall(ctx, g, "lookup", func(ctx context.Context) (Result, error) { return g.Gateway.Lookup(ctx, p) })
}

// Cancel implements Gateway.
func (g *guarded) Cancel(ctx context.Context, p Payment) (Result, error) {
	return guardCall(ctx, g, "cancel", func(ctx context.Context) (Result, error) { return g.Gateway.Cancel(ctx, p) })
}

// Refund implements Gateway.
func (g *guarded) Refund(ctx context.Context, r Refund) (RefundResult, error) {
	return guardCall(ctx, g, "refund", func(ctx context.Context) (RefundResult, error) { return g.Gateway.Refund(ctx, r) })
}

// Reversals implements Gateway.
func (g *guarded) Reversals(ctx context.Context, p Payment) ([]Reversal, error) {
	return guardCall(ctx, g, "reversals", func(ctx context.Context) ([]Reversal, error) { return g.Gateway.Reversals(ctx, p) })
}

// guardCall runs one call within the timeout, if the breaker lets it through. A gateway that panics counts as failed.
func guardCall[T any](ctx context.Context, g *guarded, call string, f func(context.Context) (T, error)) (result T, err error) {
	report, refused := g.breaker.Allow()
	if refused != nil {
		g.metrics.calls.WithLabelValues(g.Name(), call, "refused").Inc()
		return result, fmt.Errorf("%w: %s: %w", ErrUnavailable, g.Name(), refused)
	}
	began := time.Now()
	err = errors.New("the gateway panicked") // unless f returns
	defer func() {
		report(err)
		g.metrics.observeCall(g.Name(), call, time.Since(began), err)
	}()
	within, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	result, err = f(within)
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", errCallerLeft, err)
	}
	return result, err
}
