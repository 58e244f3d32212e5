package saga

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"ticketing/command/eventstore"
)

// promoteBatch is how many payments become jobs in one transaction.
const promoteBatch = 500

// promoter makes jobs of payments that have been undecided for too long. Most payments are decided in time, and never become one.
type promoter struct {
	pool    *pgxpool.Pool
	client  *river.Client[pgx.Tx]
	now     func() time.Time
	metrics *metrics
	log     *slog.Logger
	wake    chan struct{}
}

func newPromoter(c Config, m *metrics, client *river.Client[pgx.Tx]) *promoter {
	return &promoter{pool: c.Pool, client: client, now: c.Clock, metrics: m, log: c.Logger, wake: make(chan struct{}, 1)}
}

func (p *promoter) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.wake:
		}
		for more := true; more; {
			n, err := p.promote(ctx)
			if err != nil && ctx.Err() == nil {
				p.metrics.sweepFailures.Inc()
				p.log.ErrorContext(ctx, "the saga could not make jobs of undecided payments", "error", err)
				wait(ctx, failurePause)
			}
			more = err == nil && n == promoteBatch
		}
	}
}

// promote moves a batch, and answers how many payments that were. A deadline that is set anew meanwhile stays.
func (p *promoter) promote(ctx context.Context) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, sqlTimeout)
	defer cancel()
	err = pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `DELETE FROM deadlines WHERE kind = $2 AND id = ANY (ARRAY(
				SELECT id FROM deadlines WHERE kind = $2 AND next_at <= $1
					AND EXISTS (SELECT FROM saga_cursor WHERE shard = $4 AND position >= complete_at)
				ORDER BY next_at LIMIT $3 FOR UPDATE SKIP LOCKED
			)) RETURNING id, correlation_id, causation_id, traceparent`, p.now(), Payment, promoteBatch, eventstore.Shard)
		if err != nil {
			return fmt.Errorf("take due payments: %w", err)
		}
		jobs, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (j job, err error) {
			var paymentID string
			err = row.Scan(&paymentID, &j.CorrelationID, &j.CausationID, &j.Traceparent)
			j.args = reconcileJob{PaymentID: paymentID}
			return j, err //nolint:wrapcheck // it is wrapped below
		})
		if err != nil {
			return fmt.Errorf("take due payments: %w", err)
		}
		n = len(jobs)
		return insertJobs(ctx, p.client, tx, jobs)
	})
	return n, err
}
