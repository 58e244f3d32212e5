package postgres

import (
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// poolCollector shows what a pool knows of itself.
type poolCollector struct {
	pool  *pgxpool.Pool
	stats []poolStat
}

// poolStat is one of the pool's metrics.
type poolStat struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(*pgxpool.Stat) float64
}

// Collector returns the metrics of the pool, under the name of its database.
func (p *Pool) Collector(database string) prometheus.Collector {
	stat := func(name, help string, kind prometheus.ValueType, read func(*pgxpool.Stat) float64) poolStat {
		labels := prometheus.Labels{"database": database}
		return poolStat{prometheus.NewDesc(prometheus.BuildFQName("ticketing", "postgres", name), help, nil, labels), kind, read}
	}
	return poolCollector{p.Pool, []poolStat{
		stat("pool_connections", "Open connections of the pool.", prometheus.GaugeValue,
			func(s *pgxpool.Stat) float64 { return float64(s.TotalConns()) }),
		stat("pool_connections_in_use", "Connections that are in use.", prometheus.GaugeValue,
			func(s *pgxpool.Stat) float64 { return float64(s.AcquiredConns()) }),
		stat("pool_connections_max", "How many connections the pool may open.", prometheus.GaugeValue,
			func(s *pgxpool.Stat) float64 { return float64(s.MaxConns()) }),
		stat("pool_acquired_total", "Times that a connection was taken.", prometheus.CounterValue,
			func(s *pgxpool.Stat) float64 { return float64(s.AcquireCount()) }),
		stat("pool_waits_total", "Times that one had to be waited for, or opened.", prometheus.CounterValue,
			func(s *pgxpool.Stat) float64 { return float64(s.EmptyAcquireCount()) }),
		stat("pool_wait_seconds_total", "Time spent waiting for connections.", prometheus.CounterValue,
			func(s *pgxpool.Stat) float64 { return s.EmptyAcquireWaitTime().Seconds() }),
	}}
}

// Describe implements prometheus.Collector.
func (c poolCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, s := range c.stats {
		descs <- s.desc
	}
}

// Collect implements prometheus.Collector.
func (c poolCollector) Collect(metrics chan<- prometheus.Metric) {
	now := c.pool.Stat()
	for _, s := range c.stats {
		metrics <- prometheus.MustNewConstMetric(s.desc, s.kind, s.read(now))
	}
}
