package saga

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"ticketing/command"
	"ticketing/internal/mail"
)

// laterError postpones a job: nothing went wrong.
type laterError struct{ pause time.Duration }

func (e laterError) Error() string { return fmt.Sprintf("postponed for %s", e.pause) }

// worker calls the use case that a job is for.
type worker[A river.JobArgs] struct {
	river.WorkerDefaults[A]

	metrics *metrics
	clock   *logClock
	log     *slog.Logger
	atWork  *atWork
	work    func(ctx context.Context, by command.Caller, args A) error
}

// Work is part of river.Worker. River catches panics.
func (w *worker[A]) Work(ctx context.Context, job *river.Job[A]) error {
	w.atWork.begin(job.ID)
	defer w.atWork.end(job.ID)
	kind := job.Kind
	by, err := callerOf(job.JobRow)
	if err == nil {
		var done func(*slog.Logger, error, ...any)
		ctx, by, done = startWork(ctx, kind, by)
		err = w.work(ctx, by, job.Args)
		done(w.log, err, "job", job.ID)
	}
	later, postponed := errors.AsType[laterError](err)
	switch {
	case err == nil:
		w.metrics.countHandled(kind, "done")
		return nil
	case postponed:
		w.metrics.countHandled(kind, "not_yet")
		return river.JobSnooze(later.pause)
	case isPending(err):
		w.metrics.countHandled(kind, "not_yet")
		return river.JobSnooze(recheckAfter(w.clock.Now().Sub(job.CreatedAt)))
	case ctx.Err() != nil && errors.Is(err, context.Canceled): // interrupted by the shutdown: another replica may start at once
		return river.JobSnooze(0)
	case mail.Final(err):
		w.metrics.countHandled(kind, "refused")
		w.log.WarnContext(ctx, "a mail was refused by its server and is not tried again", "job", job.ID, "error", err)
		return river.JobCancel(err)
	}
	w.metrics.countHandled(kind, "failed")
	w.log.WarnContext(ctx, "a job failed and is tried again", "kind", kind, "job", job.ID, "args", string(job.EncodedArgs),
		"failures", len(job.Errors)+1, "error", err)
	return err
}

func addWorker[A river.JobArgs](to *river.Workers, c Config, m *metrics, work func(ctx context.Context, by command.Caller, args A) error) {
	river.AddWorker(to, &worker[A]{metrics: m, clock: c.clock, log: c.Logger, atWork: c.atWork, work: work})
}

// panicCounter counts the jobs whose worker panicked: the worker could not.
type panicCounter struct{ metrics *metrics }

// HandleError is part of river.ErrorHandler: the worker has counted and logged it.
func (panicCounter) HandleError(context.Context, *rivertype.JobRow, error) *river.ErrorHandlerResult {
	return nil
}

// HandlePanic is part of river.ErrorHandler: River has logged it.
func (p panicCounter) HandlePanic(_ context.Context, row *rivertype.JobRow, _ any, _ string) *river.ErrorHandlerResult {
	p.metrics.countHandled(row.Kind, "failed")
	return nil
}
