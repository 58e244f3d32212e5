package saga

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/command/eventstore"
)

// FailedJob is a job that has failed at least once and is not done: it is tried again later, or was given up.
type FailedJob struct {
	ID        int64
	Kind      string
	Args      string // JSON, with ids only
	State     string // "retryable", or "discarded" when it was given up
	Failures  int
	NextTry   time.Time // of one that was not given up
	LastError string
}

// ReadFailedJobs returns the jobs that have failed, the oldest first; of all kinds when none is named.
func ReadFailedJobs(ctx context.Context, pool *pgxpool.Pool, kinds ...string) ([]FailedJob, error) {
	rows, err := pool.Query(ctx, `SELECT id, kind, args::text, state::text, cardinality(errors), scheduled_at, coalesce(errors[cardinality(errors)]->>'error', '')
		FROM river_job
		WHERE (state = 'discarded' OR cardinality(errors) > 0 AND state NOT IN ('completed', 'cancelled'))
			AND (cardinality($1::text[]) = 0 OR kind = ANY($1))
		ORDER BY created_at, id`, append([]string{}, kinds...))
	if err != nil {
		return nil, fmt.Errorf("read failed jobs: %w", err)
	}
	jobs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[FailedJob])
	if err != nil {
		return nil, fmt.Errorf("read failed jobs: %w", err)
	}
	return jobs, nil
}

// Errors of RetryJob.
var (
	ErrNoSuchJob   = errors.New("no job of that id waits or was given up")
	ErrJobReplaced = errors.New("another job does the same, and is not done yet")
)

// RetryJob has a job tried at once, and again for a quarter of an hour if it was given up. A job that is running or done is left alone.
func RetryJob(ctx context.Context, pool *pgxpool.Pool, id int64) error {
	tag, err := pool.Exec(ctx, `UPDATE river_job SET state = 'available', finalized_at = NULL, scheduled_at = `+eventstore.NowSQL+`,
			max_attempts = greatest(max_attempts, attempt + $2), metadata = metadata - 'cancel_attempted_at'
		WHERE id = $1 AND state NOT IN ('running', 'completed')`, id, mostAttempts)
	failed, isServers := errors.AsType[*pgconn.PgError](err)
	switch {
	case isServers && failed.Code == pgerrcode.UniqueViolation:
		return ErrJobReplaced
	case err != nil:
		return fmt.Errorf("retry job %d: %w", id, err)
	case tag.RowsAffected() == 0:
		return ErrNoSuchJob
	}
	return nil
}
