package saga

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"ticketing/command"
	"ticketing/internal/mail"
)

const (
	// fetchCooldown is how soon a queue is asked again that had more than there was room for.
	fetchCooldown = 10 * time.Millisecond
	// rescueAfter is when a job counts as lost whose replica lives but never wrote down what became of it. Jobs of dead replicas are
	// taken over much earlier (package file replica.go).
	rescueAfter = 2 * workTimeout
	// seenFor is how long jobs that ended can be looked at; those that were given up stay.
	seenFor = 24 * time.Hour
)

// worker calls the use case that a job is for.
type worker[A river.JobArgs] struct {
	river.WorkerDefaults[A]

	metrics *metrics
	now     func() time.Time
	log     *slog.Logger
	work    func(ctx context.Context, by command.Caller, args A) error
}

// Work is part of river.Worker. Panics are river's to catch.
func (w *worker[A]) Work(ctx context.Context, job *river.Job[A]) error {
	kind := job.Kind
	by, err := callerOf(job.JobRow)
	if err == nil {
		err = w.work(ctx, by, job.Args)
	}
	switch {
	case err == nil:
		w.metrics.handled(kind, "done")
		return nil
	case notYet(err):
		w.metrics.handled(kind, "not_yet")
		return river.JobSnooze(recheckAfter(w.now().Sub(job.CreatedAt)))
	case ctx.Err() != nil && errors.Is(err, context.Canceled): // cut off by the shutdown: the next replica may begin at once
		return river.JobSnooze(0)
	case mail.Final(err):
		w.metrics.handled(kind, "refused")
		w.log.WarnContext(ctx, "a mail was refused for good", "job", job.ID, "error", err)
		return river.JobCancel(err)
	}
	w.metrics.handled(kind, "failed")
	w.log.WarnContext(ctx, "a job failed and is tried again", "kind", kind, "job", job.ID, "args", string(job.EncodedArgs),
		"failures", len(job.Errors)+1, "error", err)
	return err
}

func addWorker[A river.JobArgs](to *river.Workers, c Config, m *metrics, work func(ctx context.Context, by command.Caller, args A) error) {
	river.AddWorker(to, &worker[A]{metrics: m, now: c.Clock, log: c.Logger, work: work})
}

// newClient answers what makes jobs and, once started, works them off. It polls: nothing that it does takes PostgreSQL's lock for NOTIFY.
func newClient(c Config, m *metrics, replicaID string) (*river.Client[pgx.Tx], error) {
	workers := river.NewWorkers()
	addWorker(workers, c, m, func(ctx context.Context, by command.Caller, a refundJob) error {
		return c.Service.ExecuteRefund(ctx, by, a.PaymentID, a.RefundID)
	})
	addWorker(workers, c, m, func(ctx context.Context, by command.Caller, a reconcileJob) error {
		return c.Service.ReconcilePayment(ctx, by, a.PaymentID)
	})
	addWorker(workers, c, m, c.send)
	addWorker(workers, c, m, c.windUp)
	client, err := river.NewClient(riverpgxv5.New(c.Pool), &river.Config{
		ID: replicaID, Queues: queues(), Workers: workers, RetryPolicy: retryPolicy{c.Clock}, Test: river.TestConfig{Time: riverClock{c.Clock}},
		PollOnly: true, FetchCooldown: fetchCooldown, FetchPollInterval: max(5*c.Poll, fetchCooldown),
		JobTimeout: workTimeout, RescueStuckJobsAfter: rescueAfter, SoftStopTimeout: c.Drain,
		CompletedJobRetentionPeriod: seenFor, CancelledJobRetentionPeriod: 30 * seenFor, DiscardedJobRetentionPeriod: -1,
		Logger: slog.New(riverLog{c.Logger.Handler()}), ErrorHandler: panics{m},
	})
	if err != nil {
		return nil, fmt.Errorf("set up the saga's jobs: %w", err)
	}
	return client, nil
}

// windUp tells everybody who holds or bought tickets of a cancelled event, and then ends their reservations. The mails are asked for before
// anything ends, since what has ended is found no more.
func (c Config) windUp(ctx context.Context, by command.Caller, a windUpJob) error {
	reservationIDs, err := c.Service.Holders(ctx, by, a.EventID)
	if err != nil {
		return err
	}
	client, err := river.ClientFromContextSafely[pgx.Tx](ctx)
	if err != nil {
		return fmt.Errorf("find the saga's jobs: %w", err)
	}
	mails := make([]job, len(reservationIDs))
	for i, id := range reservationIDs {
		mails[i] = job{mailJob{Mail: EventCancelledMail, ID: id}, causeOfCaller(by)}
	}
	err = pgx.BeginFunc(ctx, c.Pool, func(tx pgx.Tx) error {
		fresh, err := newMails(ctx, tx, mails)
		if err != nil {
			return err
		}
		return insertJobs(ctx, client, tx, fresh)
	})
	if err != nil {
		return fmt.Errorf("tell everybody that event %s is cancelled: %w", a.EventID, err)
	}
	return c.Service.WindUpEvent(ctx, by, a.EventID)
}

// panics counts what workers did not live to count.
type panics struct{ metrics *metrics }

// HandleError is part of river.ErrorHandler: the worker has counted and logged it.
func (panics) HandleError(context.Context, *rivertype.JobRow, error) *river.ErrorHandlerResult {
	return nil
}

// HandlePanic is part of river.ErrorHandler: river has logged it.
func (p panics) HandlePanic(_ context.Context, row *rivertype.JobRow, _ any, _ string) *river.ErrorHandlerResult {
	p.metrics.handled(row.Kind, "failed")
	return nil
}

// riverLog keeps what river says of its own comings and goings out of the log.
type riverLog struct{ slog.Handler }

// Enabled is part of slog.Handler.
func (l riverLog) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && l.Handler.Enabled(ctx, level)
}
