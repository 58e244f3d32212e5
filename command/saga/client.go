package saga

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"ticketing/command"
	"ticketing/command/webhook"
	"ticketing/internal/supervise"
)

const (
	// fetchCooldown is how soon a queue is asked again that had more jobs than there was room for.
	fetchCooldown = 10 * time.Millisecond
	// rescueAfter is when a job counts as lost whose replica lives but never recorded its result. The jobs of dead replicas are taken over
	// much earlier (replica.go). River measures it by the process's own clock, which may be wrong by minutes.
	rescueAfter = time.Hour
	// keepEnded is how long jobs that have ended can be looked at; those that were given up stay.
	keepEnded = 24 * time.Hour
)

// newClient returns what makes jobs and, once started, works them. It polls instead of keeping a connection for LISTEN.
func newClient(c Config, m *metrics, replicaID string) (*river.Client[pgx.Tx], error) {
	client, err := river.NewClient(riverpgxv5.New(c.Pool), &river.Config{
		ID: replicaID, Queues: c.queueConfigs(), Workers: c.newWorkers(m), PeriodicJobs: c.periodicJobs(),
		RetryPolicy: retryPolicy{c.clock}, Test: river.TestConfig{Time: c.clock},
		PollOnly: true, FetchCooldown: fetchCooldown, FetchPollInterval: max(5*c.Poll, fetchCooldown),
		JobTimeout: workTimeout, RescueStuckJobsAfter: rescueAfter, SoftStopTimeout: c.Drain,
		CompletedJobRetentionPeriod: keepEnded, CancelledJobRetentionPeriod: 30 * keepEnded, DiscardedJobRetentionPeriod: -1,
		Logger: slog.New(riverLog{c.Logger.Handler(), supervise.NewRepetitions()}), ErrorHandler: panicCounter{m},
	})
	if err != nil {
		return nil, fmt.Errorf("set up the saga's jobs: %w", err)
	}
	return client, nil
}

// queueConfigs says how much of a queue one replica works on at once: gateways and mail servers have limits of their own. Jobs that a customer
// may be waiting for are looked for as often as the log: their queue is the longest part of their way. The other queues have time.
func (c Config) queueConfigs() map[string]river.QueueConfig {
	soon := max(c.Poll, fetchCooldown)
	queues := map[string]river.QueueConfig{
		"refunds": {MaxWorkers: besideGateway, FetchPollInterval: soon}, "mails": {MaxWorkers: few, FetchPollInterval: soon},
		"payments": {MaxWorkers: besideGateway}, "events": {MaxWorkers: few},
	}
	if c.Webhooks != nil {
		queues[webhook.Queue] = river.QueueConfig{MaxWorkers: besideGateway, FetchPollInterval: soon}
	}
	return queues
}

func (c Config) newWorkers(m *metrics) *river.Workers {
	workers := river.NewWorkers()
	addWorker(workers, c, m, c.executeRefund)
	addWorker(workers, c, m, c.reconcilePayment)
	addWorker(workers, c, m, c.sendMail)
	addWorker(workers, c, m, c.windUpEvent)
	addWorker(workers, c, m, c.noticeMove)
	if c.Webhooks != nil {
		addWorker(workers, c, m, func(ctx context.Context, _ command.Caller, j webhook.Job) error { return c.Webhooks.Handle(ctx, j) })
		addWorker(workers, c, m, func(ctx context.Context, _ command.Caller, _ webhook.ForgetJob) error { return c.Webhooks.Forget(ctx) })
	}
	return workers
}

func (c Config) periodicJobs() []*river.PeriodicJob {
	if c.Webhooks == nil {
		return nil
	}
	forget := func() (river.JobArgs, *river.InsertOpts) { return webhook.ForgetJob{}, nil }
	return []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(webhook.ForgetEvery), forget, &river.PeriodicJobOpts{RunOnStart: true}),
	}
}

// retryPolicy says when a job that failed is tried again.
type retryPolicy struct{ clock *logClock }

// NextRetry counts failures, not attempts: a job whose process died or that was put off has not failed.
func (p retryPolicy) NextRetry(row *rivertype.JobRow) time.Time {
	return p.clock.Now().Add(retryAfter(len(row.Errors) + 1))
}

// riverLog drops what River logs about its own starting and stopping, and repetitions: it has a line for each attempt that fails.
type riverLog struct {
	slog.Handler

	repeated *supervise.Repetitions
}

// Handle is part of slog.Handler. What River can't do it tries again, so a warning is enough.
func (l riverLog) Handle(ctx context.Context, r slog.Record) error {
	if !l.repeated.IsNews(r.Message) {
		return nil
	}
	r.Level = min(r.Level, slog.LevelWarn)
	return l.Handler.Handle(ctx, r)
}

// Enabled is part of slog.Handler.
func (l riverLog) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && l.Handler.Enabled(ctx, level)
}
