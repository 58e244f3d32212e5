package saga

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"ticketing/command/eventstore"
)

// sampleEvery is how often the gauges are measured. All replicas measure the same.
const sampleEvery = 5 * time.Second

type metrics struct {
	due            *prometheus.GaugeVec
	retried        *prometheus.GaugeVec
	failed         *prometheus.GaugeVec
	overdue        *prometheus.GaugeVec
	jobsDue        *prometheus.GaugeVec
	jobsRetried    *prometheus.GaugeVec
	jobsFailed     *prometheus.GaugeVec
	oldestJob      *prometheus.GaugeVec
	lag            prometheus.Gauge
	aside          prometheus.Gauge
	holds          prometheus.Gauge
	followed       prometheus.Counter
	handledTotal   *prometheus.CounterVec
	followFailures prometheus.Counter
	sweepFailures  prometheus.Counter
}

// newMetrics returns metrics that are not registered if registerer is nil.
func newMetrics(registerer prometheus.Registerer) *metrics {
	m := makeMetrics(registerer)
	kinds := jobKinds()
	for _, kind := range deadlineKinds() {
		kinds = append(kinds, string(kind))
	}
	for _, kind := range kinds {
		for _, result := range []string{"done", "not_yet", "failed"} {
			m.handledTotal.WithLabelValues(kind, result) // so that all can be watched from the start
		}
	}
	return m
}

func makeMetrics(registerer prometheus.Registerer) *metrics {
	f := promauto.With(registerer)
	const namespace, subsystem = "ticketing", "saga"
	gauges := func(name, help string) *prometheus.GaugeVec {
		return f.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, []string{"kind"})
	}
	counter := func(name, help string) prometheus.Counter {
		return f.NewCounter(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help})
	}
	return &metrics{
		due:         gauges("deadlines_due", "Deadlines that are due and not yet done, those being worked on included."),
		retried:     gauges("deadlines_retried", "Deadlines whose last attempt failed."),
		failed:      gauges("deadlines_failed", "Deadlines whose attempts are used up: the cause has to be found (table deadlines, last_error)."),
		overdue:     gauges("oldest_overdue_seconds", "How long the oldest deadline that is due, or whose last attempt failed, has been due."),
		jobsDue:     gauges("jobs_due", "Jobs that are due and not yet done, those being worked on included."),
		jobsRetried: gauges("jobs_retried", "Jobs that failed and are tried again."),
		jobsFailed: gauges("jobs_failed",
			"Jobs that failed for a quarter of an hour or were given up: the cause has to be found (table river_job, errors)."),
		oldestJob: gauges("oldest_job_seconds", "The age of the oldest job that is due, or whose last attempt failed."),
		lag: f.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "follower_lag", Help: "Domain events that are not followed yet.",
		}),
		holds: f.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "holds", Help: "Unpaid reservations on the whole platform; counted up to a million.",
		}),
		aside: f.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "streams_aside",
			Help: "Streams that wait for a newer build: they have a domain event that this one does not know (table saga_aside).",
		}),
		followed: counter("followed_total", "Domain events followed by this process."),
		handledTotal: f.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: "handled_total",
			Help: "Deadlines and jobs worked on by this process: done, not_yet (a gateway needs time), failed, or refused (a mail, by its server).",
		}, []string{"kind", "result"}),
		followFailures: counter("follow_failures_total", "Times that the log could not be followed."),
		sweepFailures:  counter("sweep_failures_total", "Times that due work could not be found, claimed, recorded or taken over."),
	}
}

func (m *metrics) countHandled(kind, result string) {
	m.handledTotal.WithLabelValues(kind, result).Inc()
}

// sampleRepeatedly measures the gauges until ctx ends.
func sampleRepeatedly(ctx context.Context, c Config, m *metrics) error {
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		if err := m.sampleAll(ctx, c.Pool); err != nil && ctx.Err() == nil {
			c.Logger.WarnContext(ctx, "the saga could not measure itself", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// ageSQL begins an expression for the seconds since a time in the past, 0 for a time to come and for null.
const ageSQL = `greatest(extract(epoch FROM ` + eventstore.NowSQL

// Both parts of the union use an index, however many deadlines are in the future.
const sampleSQL = `SELECT k.kind, count(*) FILTER (WHERE next_at <= ` + eventstore.NowSQL + `),
		count(*) FILTER (WHERE attempts > 0), count(failed_at), ` + ageSQL + ` - min(due_at))::float8, 0)
	FROM unnest($1::text[]) AS k(kind) LEFT JOIN (
		SELECT kind, next_at, due_at, attempts, failed_at FROM deadlines WHERE kind = ANY ($1) AND next_at <= ` + eventstore.NowSQL + `
		UNION ALL
		SELECT kind, next_at, due_at, attempts, failed_at FROM deadlines WHERE attempts > 0 AND next_at > ` + eventstore.NowSQL + `
	) AS d USING (kind) GROUP BY k.kind`

func (m *metrics) sampleAll(ctx context.Context, pool *pgxpool.Pool) error {
	ctx, cancel := context.WithTimeout(ctx, sqlTimeout)
	defer cancel()
	rows, err := pool.Query(ctx, sampleSQL, deadlineKinds())
	if err != nil {
		return fmt.Errorf("measure deadlines: %w", err)
	}
	var kind string
	var due, retried, failed int64
	var oldest float64
	_, err = pgx.ForEachRow(rows, []any{&kind, &due, &retried, &failed, &oldest}, func() error {
		m.due.WithLabelValues(kind).Set(float64(due))
		m.retried.WithLabelValues(kind).Set(float64(retried))
		m.failed.WithLabelValues(kind).Set(float64(failed))
		m.overdue.WithLabelValues(kind).Set(oldest)
		return nil
	})
	if err != nil {
		return fmt.Errorf("measure deadlines: %w", err)
	}
	if err := m.sampleJobs(ctx, pool); err != nil {
		return err
	}
	var followed, aside, holds int64
	err = pool.QueryRow(ctx, `SELECT `+positionSQL+`, (SELECT count(*) FROM saga_aside),
		(SELECT count(*) FROM (SELECT FROM deadlines WHERE kind = $1 LIMIT 1000000) AS held)`, Hold).Scan(&followed, &aside, &holds)
	if err != nil {
		return fmt.Errorf("measure the follower's lag: %w", err)
	}
	head, err := eventstore.ReadHead(ctx, pool)
	if err != nil {
		return err
	}
	m.aside.Set(float64(aside))
	m.holds.Set(float64(holds))
	m.lag.Set(float64(max(0, head.Position-followed)))
	return nil
}

// sampleJobsSQL reads only jobs that have not ended or were given up. $2 is after how many failures a job counts as failed.
const sampleJobsSQL = `SELECT k.kind,
		count(*) FILTER (WHERE state = 'running' OR state IN ('available', 'retryable', 'scheduled') AND scheduled_at <= ` + eventstore.NowSQL + `),
		count(*) FILTER (WHERE state <> 'discarded' AND cardinality(errors) > 0),
		count(*) FILTER (WHERE state = 'discarded' OR cardinality(errors) >= $2),
		` + ageSQL + ` - min(created_at) FILTER (
			WHERE state <> 'discarded' AND (scheduled_at <= ` + eventstore.NowSQL + ` OR cardinality(errors) > 0)))::float8, 0)
	FROM unnest($1::text[]) AS k(kind)
		LEFT JOIN river_job j ON j.kind = k.kind AND j.state IN ('available', 'retryable', 'scheduled', 'running', 'discarded')
	GROUP BY k.kind`

func (m *metrics) sampleJobs(ctx context.Context, pool *pgxpool.Pool) error {
	rows, err := pool.Query(ctx, sampleJobsSQL, jobKinds(), mostAttempts)
	if err != nil {
		return fmt.Errorf("measure jobs: %w", err)
	}
	var kind string
	var due, retried, failed int64
	var oldest float64
	_, err = pgx.ForEachRow(rows, []any{&kind, &due, &retried, &failed, &oldest}, func() error {
		m.jobsDue.WithLabelValues(kind).Set(float64(due))
		m.jobsRetried.WithLabelValues(kind).Set(float64(retried))
		m.jobsFailed.WithLabelValues(kind).Set(float64(failed))
		m.oldestJob.WithLabelValues(kind).Set(oldest)
		return nil
	})
	if err != nil {
		return fmt.Errorf("measure jobs: %w", err)
	}
	return nil
}
