package transport

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ticketing/internal/overload"
)

// metrics count operations. Label values come from short lists, never from what clients choose (names, ids).
type metrics struct {
	operations *prometheus.CounterVec // by type and code; "ok" when nothing failed
	ended      *prometheus.CounterVec // streams that were refused or ended for a limit, by its name
	behind     prometheus.Counter
	seconds    *prometheus.HistogramVec // by type; of queries and mutations only, since clients decide how long subscriptions last

	subscriptions prometheus.Gauge // that run
}

func newMetrics(r prometheus.Registerer, running *overload.Gate, streams slots, shared *broadcasts) *metrics {
	m := &metrics{
		operations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ticketing_graphql_operations_total", Help: "Operations that ended, by type and by the code of their first error.",
		}, []string{"type", "code"}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ticketing_graphql_streams_ended_total", Help: "WebSockets and event streams that were refused or ended for a limit, by limit.",
		}, []string{"limit"}),
		behind: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ticketing_graphql_shared_restarts_total", Help: "Times that a client was too far behind of what a shared subscription says, and started over.",
		}),
		subscriptions: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ticketing_graphql_subscriptions", Help: "Subscriptions that run.",
		}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "ticketing_graphql_operation_seconds", Help: "How long queries and mutations took.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 15), // 1 ms to 16 s
		}, []string{"type"}),
	}
	for _, limit := range []string{limitProcess, limitAnonymous, limitAddress, limitUser, limitIdle, limitMessages, limitSignIn} {
		m.ended.WithLabelValues(limit) // so that all can be watched from the start
	}
	if r != nil {
		r.MustRegister(m.operations, m.ended, m.seconds, m.subscriptions, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "ticketing_graphql_streams", Help: "WebSockets and event streams that are open.",
		}, func() float64 { return float64(len(streams)) }), m.behind, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "ticketing_graphql_shared_subscriptions", Help: "Subscriptions that are executed once for all clients that share them.",
		}, func() float64 { return float64(shared.count()) }), prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "ticketing_graphql_running", Help: "Operations that run, of which the limit has a place for each.",
		}, func() float64 { return float64(running.Inside()) }), prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "ticketing_graphql_running_limit", Help: "Operations that may run at a time, before more are refused.",
		}, func() float64 { return float64(running.Limit()) }))
	}
	return m
}

func (m *metrics) countRefused(code string) { m.operations.WithLabelValues("none", code).Inc() }

// The limits that end streams.
const (
	limitProcess   = "process"
	limitAnonymous = "anonymous"
	limitAddress   = "address"
	limitUser      = "user"
	limitIdle      = "idle"
	limitMessages  = "messages"
	limitSignIn    = "sign-in"
)

// countLimited counts a stream that a limit has refused or ended.
func (m *metrics) countLimited(limit string) { m.ended.WithLabelValues(limit).Inc() }

func (m *metrics) countEnded(kind, code string, took time.Duration) {
	m.operations.WithLabelValues(kind, code).Inc()
	if kind != "subscription" {
		m.seconds.WithLabelValues(kind).Observe(took.Seconds())
	}
}
