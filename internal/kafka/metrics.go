package kafka

import (
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Metrics measure the clients that have them.
type Metrics struct {
	connections prometheus.Gauge
	failures    *prometheus.CounterVec
	seconds     *prometheus.HistogramVec
	records     *prometheus.CounterVec
	bytes       *prometheus.CounterVec
}

var (
	_ kgo.HookBrokerConnect       = (*Metrics)(nil)
	_ kgo.HookBrokerDisconnect    = (*Metrics)(nil)
	_ kgo.HookBrokerE2E           = (*Metrics)(nil)
	_ kgo.HookProduceBatchWritten = (*Metrics)(nil)
	_ kgo.HookFetchBatchRead      = (*Metrics)(nil)
)

const connectRequest, produced, fetched = "Connect", "produced", "fetched"

// NewMetrics returns metrics, which are not registered if registerer is nil.
func NewMetrics(registerer prometheus.Registerer) *Metrics {
	f := promauto.With(registerer)
	const namespace, subsystem = "ticketing", "kafka"
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return f.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, labels)
	}
	m := &Metrics{
		connections: f.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "connections", Help: "Open connections to brokers.",
		}),
		failures: counter("failures_total", "Requests to brokers that failed, by kind; Connect is opening a connection.", "request"),
		seconds: f.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "request_seconds",
			Help: "How long requests to brokers took. A Fetch waits up to a second for records.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 14),
		}, []string{"request"}),
		records: counter("records_total", "Records that were produced or fetched.", "topic", "direction"),
		bytes:   counter("bytes_total", "Bytes of these records, as they were sent.", "topic", "direction"),
	}
	m.failures.WithLabelValues(connectRequest)
	return m
}

// OnBrokerConnect is part of kgo.HookBrokerConnect.
func (m *Metrics) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err != nil {
		m.failures.WithLabelValues(connectRequest).Inc()
		return
	}
	m.connections.Inc()
}

// OnBrokerDisconnect is part of kgo.HookBrokerDisconnect.
func (m *Metrics) OnBrokerDisconnect(kgo.BrokerMetadata, net.Conn) { m.connections.Dec() }

// OnBrokerE2E is part of kgo.HookBrokerE2E.
func (m *Metrics) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, e2e kgo.BrokerE2E) {
	request := kmsg.NameForKey(key)
	if e2e.Err() != nil {
		m.failures.WithLabelValues(request).Inc()
		return
	}
	m.seconds.WithLabelValues(request).Observe(e2e.DurationE2E().Seconds())
}

// OnProduceBatchWritten is part of kgo.HookProduceBatchWritten.
func (m *Metrics) OnProduceBatchWritten(_ kgo.BrokerMetadata, topic string, _ int32, b kgo.ProduceBatchMetrics) {
	m.countRecords(topic, produced, b.NumRecords, b.CompressedBytes)
}

// OnFetchBatchRead is part of kgo.HookFetchBatchRead.
func (m *Metrics) OnFetchBatchRead(_ kgo.BrokerMetadata, topic string, _ int32, b kgo.FetchBatchMetrics) {
	m.countRecords(topic, fetched, b.NumRecords, b.CompressedBytes)
}

func (m *Metrics) countRecords(topic, direction string, records, bytes int) {
	m.records.WithLabelValues(topic, direction).Add(float64(records))
	m.bytes.WithLabelValues(topic, direction).Add(float64(bytes))
}
