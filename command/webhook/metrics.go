package webhook

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	received *prometheus.CounterVec
	handled  *prometheus.CounterVec
}

// newMetrics makes metrics that nobody sees when registerer is nil.
func newMetrics(registerer prometheus.Registerer) *metrics {
	f := promauto.With(registerer)
	counter := func(name, help string) *prometheus.CounterVec {
		return f.NewCounterVec(prometheus.CounterOpts{Namespace: "ticketing", Subsystem: "webhook", Name: name, Help: help}, []string{"gateway", "result"})
	}
	return &metrics{
		received: counter("received_total", "Webhooks of payment gateways: stored, repeated, ignored, refused as not genuine, or failed."),
		handled:  counter("handled_total", "Attempts to handle webhooks: handled, unknown (no payment of ours), or failed."),
	}
}
