package redis

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/redis/go-redis/v9"
)

type metrics struct {
	calls   *prometheus.CounterVec
	seconds prometheus.Histogram
}

// newMetrics returns metrics of a client, which are not registered if registerer is nil.
func newMetrics(registerer prometheus.Registerer, client *redis.Client, b *breaker) *metrics {
	f := promauto.With(registerer)
	const namespace, subsystem = "ticketing", "redis"
	gauge := func(name, help string, value func() float64) {
		f.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, value)
	}
	gauge("breaker_open", "1 while commands are refused since Redis does not respond, else 0.", func() float64 {
		if b.closed.Load() {
			return 1
		}
		return 0
	})
	gauge("pool_connections", "Open connections of the pool.", func() float64 { return float64(client.PoolStats().TotalConns) })
	gauge("pool_connections_in_use", "Connections that are in use.", func() float64 {
		stats := client.PoolStats()
		return float64(stats.TotalConns) - float64(stats.IdleConns)
	})
	m := &metrics{
		calls: f.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "calls_total",
			Help: "Commands, and pipelines of several: ok, failed, or refused at once since Redis does not respond.",
		}, []string{"result"}),
		seconds: f.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "call_seconds",
			Help: "How long commands and pipelines took.", Buckets: prometheus.ExponentialBuckets(0.0001, 2, 14),
		}),
	}
	for _, result := range []string{resultOK, resultFailed, resultRefused} {
		m.calls.WithLabelValues(result)
	}
	return m
}

// What calls_total tells apart.
const resultOK, resultFailed, resultRefused = "ok", "failed", "refused"

func (m *metrics) observeCall(took time.Duration, err error) {
	result := resultOK
	if err != nil && !errors.Is(err, redis.Nil) && !redis.HasErrorPrefix(err, "NOSCRIPT") { // no such key; a script to be sent in full
		result = resultFailed
	}
	m.calls.WithLabelValues(result).Inc()
	m.seconds.Observe(took.Seconds())
}
