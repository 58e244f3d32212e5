package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"ticketing/command/gateway/breaker"
	"ticketing/internal/overload"
	"ticketing/internal/telemetry"
)

// guarded puts a timeout and circuit breakers around a gateway: one for calls that take money, one for those about money that goes back, so
// that refunds that fail keep no customer from paying. While a breaker is open, its calls return ErrUnavailable at once and nothing is sent. What
// the gateway refuses, and ErrUnknownPayment, count as success.
type guarded struct {
	Gateway

	timeout  time.Duration
	payments *breaker.Breaker
	refunds  *breaker.Breaker
	metrics  *metrics
}

func newGuarded(g Gateway, timeout time.Duration, m *metrics, log *slog.Logger) *guarded {
	guard := func(calls string) *breaker.Breaker {
		m.breakerOpen.WithLabelValues(g.Name(), calls).Set(0)
		return breaker.New(breaker.Config{
			IsAnswer: func(err error) bool { return errors.Is(err, ErrUnknownPayment) || errors.Is(err, ErrRefused) },
			OnChange: func(from, to breaker.State) {
				log.Warn("a payment gateway's circuit breaker changed", "gateway", g.Name(), "calls", calls, "from", from.String(), "to", to.String())
				m.setBreaker(g.Name(), calls, to)
			},
		})
	}
	return &guarded{Gateway: g, timeout: timeout, metrics: m, payments: guard("payments"), refunds: guard("refunds")}
}

// Create implements Gateway. It charges nothing, so every error is ErrUnavailable, also a timeout.
func (g *guarded) Create(ctx context.Context, p Payment) (Result, error) {
	result, err := guardCall(ctx, g, g.payments, "create", func(ctx context.Context) (Result, error) { return g.Gateway.Create(ctx, p) })
	if err != nil && !errors.Is(err, ErrUnavailable) {
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return result, err
}

// Confirm implements Gateway. The outcome of a call that times out is unknown.
func (g *guarded) Confirm(ctx context.Context, p Payment) (Result, error) {
	return guardCall(ctx, g, g.payments, "confirm", func(ctx context.Context) (Result, error) { return g.Gateway.Confirm(ctx, p) })
}

// Lookup implements Gateway.
func (g *guarded) Lookup(ctx context.Context, p Payment) (Result, error) {
	return guardCall(ctx, g, g.payments, "lookup", func(ctx context.Context) (Result, error) { return g.Gateway.Lookup(ctx, p) })
}

// Cancel implements Gateway.
func (g *guarded) Cancel(ctx context.Context, p Payment) (Result, error) {
	return guardCall(ctx, g, g.payments, "cancel", func(ctx context.Context) (Result, error) { return g.Gateway.Cancel(ctx, p) })
}

// Refund implements Gateway.
func (g *guarded) Refund(ctx context.Context, r Refund) (RefundResult, error) {
	return guardCall(ctx, g, g.refunds, "refund", func(ctx context.Context) (RefundResult, error) { return g.Gateway.Refund(ctx, r) })
}

// Reversals implements Gateway.
func (g *guarded) Reversals(ctx context.Context, p Payment) ([]Reversal, error) {
	return guardCall(ctx, g, g.refunds, "reversals", func(ctx context.Context) ([]Reversal, error) { return g.Gateway.Reversals(ctx, p) })
}

// guardCall runs one call within the timeout, if the breaker b allows it.
func guardCall[T any](
	ctx context.Context, g *guarded, b *breaker.Breaker, call string, f func(context.Context) (T, error),
) (result T, err error) {
	began := time.Now()
	err = errors.New("the gateway panicked") // unless f returns
	ctx, span := telemetry.StartSpan(ctx, "gateway "+call, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attribute.String("gateway", g.Name())))
	defer func() {
		g.metrics.observeCall(g.Name(), call, time.Since(began), err)
		telemetry.EndSpan(span, err)
	}()
	defer overload.Wait(ctx)()
	within, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	result, err = breaker.Call(ctx, b, func() (T, error) { return f(within) })
	if errors.Is(err, breaker.ErrOpen) {
		err = fmt.Errorf("%w: %s: %w", ErrUnavailable, g.Name(), err)
	}
	return result, err
}
