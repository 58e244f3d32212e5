package webhook

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

func newReceivedTotal(registerer prometheus.Registerer) *prometheus.CounterVec {
	return newCounter(registerer, "received_total", "Webhooks of payment gateways: stored, repeated, ignored, refused as not genuine, limited, or failed.")
}

func newHandledTotal(registerer prometheus.Registerer) *prometheus.CounterVec {
	return newCounter(registerer, "handled_total", "Attempts to handle webhooks: handled, unknown (no payment of ours), or failed.")
}

func newCounter(registerer prometheus.Registerer, name, help string) *prometheus.CounterVec {
	return promauto.With(registerer).NewCounterVec(prometheus.CounterOpts{
		Namespace: "ticketing", Subsystem: "webhook", Name: name, Help: help,
	}, []string{"gateway", "result"})
}
