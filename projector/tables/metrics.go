package tables

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// metrics count what writers do, by projection.
type metrics struct{ caughtUp, deadLettered, setAside, notKept *prometheus.CounterVec }

// newMetrics does not register the metrics if registerer is nil.
func newMetrics(registerer prometheus.Registerer) *metrics {
	counter := func(name, help string) *prometheus.CounterVec {
		return promauto.With(registerer).NewCounterVec(
			prometheus.CounterOpts{Namespace: "ticketing", Subsystem: "projector", Name: name, Help: help}, []string{"projection"})
	}
	return &metrics{
		caughtUp:     counter("caught_up_total", "Records read from the log because the broker's skipped versions."),
		deadLettered: counter("dead_lettered_total", "Records that went to the dead letters."),
		notKept:      counter("foreign_not_kept_total", "Records that are no domain events, and are counted here only: the dead letters have enough of them."),
		setAside:     counter("set_aside_total", "Streams whose records make so many rows that they are written in parts, beside the others."),
	}
}

// show shows a projection's metrics from the start, so that they can be watched.
func (m *metrics) show(projection string) {
	for _, counter := range []*prometheus.CounterVec{m.caughtUp, m.deadLettered, m.setAside, m.notKept} {
		counter.WithLabelValues(projection)
	}
}
