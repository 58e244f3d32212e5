package relay

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"ticketing/command/relay/progress"
	"ticketing/internal/wait"
)

type metrics struct {
	published    *prometheus.CounterVec
	refills      *prometheus.CounterVec
	leading      prometheus.Gauge
	breakerOpen  prometheus.Gauge
	lagPositions prometheus.Gauge
	lagSeconds   prometheus.Gauge
}

// newMetrics returns metrics, which are not registered if registerer is nil.
func newMetrics(registerer prometheus.Registerer) *metrics {
	f := promauto.With(registerer)
	counter := func(name, help string) *prometheus.CounterVec {
		return f.NewCounterVec(prometheus.CounterOpts{Namespace: "ticketing", Subsystem: "relay", Name: name, Help: help}, []string{"topic"})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return f.NewGauge(prometheus.GaugeOpts{Namespace: "ticketing", Subsystem: "relay", Name: name, Help: help})
	}
	return &metrics{
		published:    counter("published_total", "Records that the broker acknowledged, again published ones included."),
		refills:      counter("refills_total", "Partitions found to have lost records."),
		leading:      gauge("leading", "1 while this process holds the lease."),
		breakerOpen:  gauge("breaker_open", "1 while the circuit breaker lets nothing through to the broker, 0.5 while one try may pass, else 0."),
		lagPositions: gauge("lag_positions", "Domain events in the log that are not published."),
		lagSeconds:   gauge("lag_seconds", "Age of the oldest domain event that is not published."),
	}
}

// watchLag keeps the lag metrics up to date, independently of sessions: they matter most while none can work.
func watchLag(ctx context.Context, pool *pgxpool.Pool, m *metrics) {
	for ctx.Err() == nil {
		if lag, err := progress.ReadLag(ctx, pool); err == nil {
			m.lagPositions.Set(float64(lag.Events))
			m.lagSeconds.Set(lag.Age.Seconds())
		}
		_ = wait.For(ctx, time.Second)
	}
}
