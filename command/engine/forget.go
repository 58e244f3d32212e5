package engine

import (
	"context"
	"fmt"
	"time"

	"ticketing/command/eventstore"
	"ticketing/internal/wait"
)

// A replica deletes several times as many keys a second as it can make, in statements of some milliseconds: the loop waits for a row that is
// being deleted when a client uses its expired key again.
const (
	forgetBatch   = 2_000 // keys deleted by one statement
	forgetEvery   = time.Second
	forgetFailure = time.Minute // after a failure, to spare a database that has a fault
)

// forgetSQL skips what another replica is deleting.
const forgetSQL = `DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
		SELECT ctid FROM idempotency_keys WHERE expires_at < ` + eventstore.NowSQL + ` ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED))`

// forgetKeys deletes expired idempotency keys until ctx is done. They are ignored until then, so that being late does no harm.
func (e *Engine) forgetKeys(ctx context.Context) {
	pause := forgetEvery
	for wait.For(ctx, pause) == nil {
		pause = forgetEvery
		if err := e.forgetExpired(ctx); err != nil && ctx.Err() == nil {
			e.log.WarnContext(ctx, "could not delete expired idempotency keys", "error", err)
			pause = forgetFailure
		}
	}
}

// forgetExpired deletes all keys that have expired and are not being deleted.
func (e *Engine) forgetExpired(ctx context.Context) error {
	for {
		tag, err := e.pool.Exec(ctx, forgetSQL, forgetBatch)
		if err != nil {
			return fmt.Errorf("delete expired idempotency keys: %w", err)
		}
		e.metrics.deletedKeys.Add(float64(tag.RowsAffected()))
		if tag.RowsAffected() < forgetBatch {
			return nil
		}
	}
}
