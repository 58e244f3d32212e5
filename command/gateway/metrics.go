package gateway

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/sony/gobreaker/v2"

	"ticketing/command/gateway/breaker"
)

type metrics struct {
	calls       *prometheus.CounterVec
	seconds     *prometheus.HistogramVec
	breakerOpen *prometheus.GaugeVec
}

// newMetrics returns metrics that are not registered when registerer is nil.
func newMetrics(registerer prometheus.Registerer) *metrics {
	f := promauto.With(registerer)
	const namespace, subsystem = "ticketing", "gateway"
	return &metrics{
		calls: f.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "calls_total",
			Help: "Calls of payment gateways: with a response (declines too), rejected for what was asked, failed, or refused by the circuit breaker.",
		}, []string{"gateway", "call", "result"}),
		seconds: f.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "call_seconds",
			Help: "How long calls of payment gateways took.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 14),
		}, []string{"gateway", "call"}),
		breakerOpen: f.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "breaker_open",
			Help: "1 while the circuit breaker of these calls (payments, refunds) lets nothing through, 0.5 while one call may try, else 0.",
		}, []string{"gateway", "calls"}),
	}
}

func (m *metrics) observeCall(gateway, call string, took time.Duration, err error) {
	result := "answered"
	switch {
	case errors.Is(err, breaker.ErrOpen):
		m.calls.WithLabelValues(gateway, call, "refused").Inc()
		return
	case errors.Is(err, ErrRefused):
		result = "rejected"
	case err != nil:
		result = "failed"
	}
	m.calls.WithLabelValues(gateway, call, result).Inc()
	m.seconds.WithLabelValues(gateway, call).Observe(took.Seconds())
}

func (m *metrics) setBreaker(gateway, calls string, state breaker.State) {
	open := map[gobreaker.State]float64{gobreaker.StateOpen: 1, gobreaker.StateHalfOpen: 0.5}
	m.breakerOpen.WithLabelValues(gateway, calls).Set(open[state])
}
