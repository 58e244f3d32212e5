package engine

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

type metrics struct {
	commands      prometheus.Counter
	domainEvents  prometheus.Counter
	batchCommands prometheus.Histogram
	batchSeconds  prometheus.Histogram
	appendSeconds prometheus.Histogram
	lockSeconds   prometheus.Histogram
	cutBatches    prometheus.Counter
	failedBatches prometheus.Counter
	failedLoads   prometheus.Counter
	deletedKeys   prometheus.Counter
	endedHolders  prometheus.Counter
	recalled      prometheus.Counter
	forgotten     prometheus.Counter
	cacheBytes    prometheus.Gauge
}

// newMetrics does not register the metrics if registerer is nil.
func newMetrics(registerer prometheus.Registerer) *metrics {
	f := promauto.With(registerer)
	counter := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts{Namespace: "ticketing", Subsystem: "engine", Name: name, Help: help})
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return f.NewHistogram(prometheus.HistogramOpts{Namespace: "ticketing", Subsystem: "engine", Name: name, Help: help, Buckets: buckets})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return f.NewGauge(prometheus.GaugeOpts{Namespace: "ticketing", Subsystem: "engine", Name: name, Help: help})
	}
	seconds := prometheus.ExponentialBuckets(0.0005, 2, 14)
	return &metrics{
		commands:      counter("commands_total", "Commands decided, accepted or rejected."),
		domainEvents:  counter("domain_events_total", "Domain events appended."),
		batchCommands: histogram("batch_commands", "Commands in a batch.", prometheus.ExponentialBuckets(1, 2, 10)),
		batchSeconds:  histogram("batch_seconds", "From asking for the lock to the acknowledged commit.", seconds),
		appendSeconds: histogram("append_seconds", "From sending a batch's first rows, or only the commit, to the acknowledged commit.", seconds),
		lockSeconds:   histogram("lock_seconds", "Waiting for the lock.", seconds),
		cutBatches:    counter("cut_batches_total", "Batches whose decisions took so long that the rest waited for the next one."),
		failedBatches: counter("failed_batches_total", "Batches that were not committed, or not certainly."),
		failedLoads:   counter("failed_loads_total", "Streams that could not be loaded: PostgreSQL failed, or a newer build wrote them."),
		deletedKeys:   counter("deleted_keys_total", "Expired idempotency keys deleted by this process."),
		endedHolders:  counter("ended_lock_holders_total", "Sessions that this process ended because they held the lock and did nothing for more than a second."),
		recalled:      counter("recalled_outcomes_total", "Retries whose outcome was found in Redis, without the queue."),
		forgotten:     counter("forgotten_outcomes_total", "Outcomes that did not get into Redis because too many waited."),
		cacheBytes:    gauge("cache_bytes", "Streams in memory, as their sizes are estimated."),
	}
}

// registerQueue registers how many commands are waiting or being decided.
func registerQueue(registerer prometheus.Registerer, inflight *atomic.Int64) {
	promauto.With(registerer).NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "ticketing", Subsystem: "engine", Name: "queue_commands", Help: "Commands that wait or are being decided; more than 16,384 are refused.",
	}, func() float64 { return float64(inflight.Load()) })
}

func (m *metrics) observeBatch(commands int, domainEvents int64, took, appending time.Duration) {
	m.commands.Add(float64(commands))
	m.domainEvents.Add(float64(domainEvents))
	m.batchCommands.Observe(float64(commands))
	m.batchSeconds.Observe(took.Seconds())
	m.appendSeconds.Observe(appending.Seconds())
}
