package relay

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"ticketing/command/eventstore"
)

type metrics struct {
	published    *prometheus.CounterVec
	refills      *prometheus.CounterVec
	leading      prometheus.Gauge
	breakerOpen  prometheus.Gauge
	lagPositions prometheus.Gauge
	lagSeconds   prometheus.Gauge
}

// newMetrics makes metrics that nobody sees when registerer is nil.
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

const lagSQL = `WITH c AS (SELECT coalesce((SELECT position FROM relay_cursor WHERE shard = $1), 0) AS position)
	SELECT coalesce((SELECT d.position FROM domain_events d WHERE d.shard = $1 ORDER BY d.position DESC LIMIT 1), 0) - c.position,
		coalesce((SELECT extract(epoch FROM now() - d.recorded_at)::float8 FROM domain_events d
			WHERE d.shard = $1 AND d.position > c.position ORDER BY d.position LIMIT 1), 0)
	FROM c`

// watchLag keeps the lag metrics moving also while the relay itself is stuck, which is when they matter.
func watchLag(ctx context.Context, pool *pgxpool.Pool, m *metrics) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		var positions int64
		var seconds float64
		if err := pool.QueryRow(ctx, lagSQL, eventstore.Shard).Scan(&positions, &seconds); err == nil {
			m.lagPositions.Set(float64(positions))
			m.lagSeconds.Set(seconds)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
