package runner

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	records     *prometheus.CounterVec
	seconds     *prometheus.HistogramVec
	unannounced prometheus.Counter
}

// newMetrics does not register the metrics if registerer is nil.
func newMetrics(registerer prometheus.Registerer) *metrics {
	f := promauto.With(registerer)
	const namespace, subsystem = "ticketing", "projector"
	byProjection := []string{"projection"}
	return &metrics{
		records: f.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "records_total", Help: "Records written, those seen before included.",
		}, byProjection),
		seconds: f.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "batch_seconds", Help: "From a fetched batch to its commit.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
		}, byProjection),
		unannounced: f.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "unannounced_total", Help: "Changes that could not be announced on Redis.",
		}),
	}
}

func (m *metrics) observeBatch(projection string, records int, took time.Duration) {
	m.records.WithLabelValues(projection).Add(float64(records))
	m.seconds.WithLabelValues(projection).Observe(took.Seconds())
}
