package projector

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	applied      *prometheus.CounterVec
	seconds      *prometheus.HistogramVec
	caughtUp     *prometheus.CounterVec
	deadLettered *prometheus.CounterVec
	unannounced  prometheus.Counter
}

// newMetrics makes metrics that nobody sees when registerer is nil.
func newMetrics(registerer prometheus.Registerer) *metrics {
	f := promauto.With(registerer)
	const namespace, subsystem = "ticketing", "projector"
	byProjection := []string{"projection"}
	counter := func(name, help string) *prometheus.CounterVec {
		return f.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, byProjection)
	}
	return &metrics{
		applied: counter("records_total", "Records written, those seen before included."),
		seconds: f.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "batch_seconds", Help: "From a fetched batch to its commit.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
		}, byProjection),
		caughtUp:     counter("caught_up_total", "Records read from the log because the broker's skipped versions."),
		deadLettered: counter("dead_lettered_total", "Records that went to the dead letters."),
		unannounced: f.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "unannounced_total", Help: "Changes that could not be announced on Redis.",
		}),
	}
}

func (m *metrics) batch(projection string, records int, took time.Duration) {
	m.applied.WithLabelValues(projection).Add(float64(records))
	m.seconds.WithLabelValues(projection).Observe(took.Seconds())
}
