package parts

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"ticketing/projector"
	"ticketing/query"
)

// projections returns the status of the projections.
func (e Env) projections(read, events *pgxpool.Pool) *query.Projections {
	return query.NewProjections(query.ProjectionsConfig{Read: read, Events: events, Topics: e.topics(), Categories: projector.Categories()})
}

// lagMetrics cover all partitions of a process's projections, also those that other processes have: they stay right while this process
// is stuck or has lost its partitions.
type lagMetrics struct {
	records, seconds, deadLetters *prometheus.GaugeVec
}

func newLagMetrics(registerer prometheus.Registerer) lagMetrics {
	f := promauto.With(registerer)
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return f.NewGaugeVec(prometheus.GaugeOpts{Namespace: "ticketing", Subsystem: "projector", Name: name, Help: help}, labels)
	}
	return lagMetrics{
		records:     gauge("lag_records", "Published records that are not projected.", "projection", "topic", "partition"),
		seconds:     gauge("lag_seconds", "Age of the oldest published record that is not projected.", "projection", "topic", "partition"),
		deadLetters: gauge("dead_letters", "Streams that wait behind a dead letter, and records that are none of ours.", "projection"),
	}
}

// watchLag keeps the metrics of the named projections, or of all when none is named, until ctx ends.
func watchLag(ctx context.Context, projections *query.Projections, names []string, registerer prometheus.Registerer) {
	const every = 2 * time.Second
	m := newLagMetrics(registerer)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if statuses, err := projections.Status(ctx); err == nil { // other metrics show that the databases are away
			m.set(slices.DeleteFunc(statuses, func(s query.ProjectionStatus) bool { return len(names) > 0 && !slices.Contains(names, s.Name) }))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (m lagMetrics) set(statuses []query.ProjectionStatus) {
	m.records.Reset() // a topic may have been created again with fewer partitions
	m.seconds.Reset()
	for _, s := range statuses {
		m.deadLetters.WithLabelValues(s.Name).Set(float64(s.DeadLetters))
		for _, p := range s.Partitions {
			labels := []string{s.Name, p.Topic, strconv.Itoa(int(p.Partition))}
			m.records.WithLabelValues(labels...).Set(float64(p.LagRecords))
			m.seconds.WithLabelValues(labels...).Set(p.LagSeconds)
		}
	}
}
