package saga

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"ticketing/command/eventstore"
)

// lockCursor returns how far the log has been followed, and keeps other replicas from following until tx ends. It returns errStandby if
// another replica is following. A log of another incarnation is followed from its start, with new deadlines; jobs read the log themselves.
func lockCursor(ctx context.Context, tx pgx.Tx) (position int64, err error) {
	var same bool
	err = tx.QueryRow(ctx, `SELECT c.incarnation IS NOT DISTINCT FROM `+eventstore.IncarnationSQL+`
		FROM saga_cursor c
		WHERE c.shard = $1 FOR UPDATE OF c SKIP LOCKED`, eventstore.Shard).Scan(&same)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return 0, errStandby
	case err != nil:
		return 0, fmt.Errorf("lock the saga's cursor: %w", err)
	case !same:
		return 0, startOver(ctx, tx)
	}
	// A statement of its own: one that began before it had the lock would not see what was committed meanwhile.
	if err := tx.QueryRow(ctx, `SELECT `+positionSQL).Scan(&position); err != nil {
		return 0, fmt.Errorf("read the saga's cursor: %w", err)
	}
	return position, nil
}

// positionSQL is how far the log has been followed: the newest row, however many dead ones are left. A function that has settings is never a part
// of another plan.
const positionSQL = `saga_position()`

// moveCursor replaces the row of the position from. It must be the caller's who has the lock.
func moveCursor(b *pgx.Batch, from, to int64) {
	if from != to {
		b.Queue(`DELETE FROM saga_positions WHERE shard = $1 AND position = $2`, eventstore.Shard, from)
		b.Queue(`INSERT INTO saga_positions (shard, position) VALUES ($1, $2)`, eventstore.Shard, to)
	}
}

// startOver drops all deadlines, and what is known of streams. None is worked on until the log has been followed up to its present end: most
// of those set in it also end in it.
func startOver(ctx context.Context, tx pgx.Tx) error {
	head, err := eventstore.ReadHead(ctx, tx)
	if err != nil {
		return err
	}
	b := &pgx.Batch{}
	b.Queue(`DELETE FROM deadlines`)
	b.Queue(`DELETE FROM saga_events`)
	b.Queue(`DELETE FROM saga_aside`)
	b.Queue(`DELETE FROM saga_positions`)
	b.Queue(`UPDATE saga_cursor SET incarnation = $2::uuid, complete_at = $3 WHERE shard = $1`,
		eventstore.Shard, head.Incarnation, head.Position)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("start over with the log: %w", err)
	}
	return nil
}

// lockSQL locks the rows that endSQL and setSQL change, in the order of deadlineTable.
const lockSQL = `SELECT FROM deadlines d JOIN unnest($1::text[], $2::text[]) AS changed(kind, id) USING (kind, id)
	ORDER BY kind, id FOR UPDATE OF d`

const endSQL = `DELETE FROM deadlines USING unnest($1::text[], $2::text[]) AS ended(kind, id)
	WHERE deadlines.kind = ended.kind AND deadlines.id = ended.id`

const setSQL = `INSERT INTO deadlines (kind, id, due_at, next_at, correlation_id, causation_id, traceparent)
	SELECT kind, id, due_at, due_at, correlation_id, causation_id, traceparent
	FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[])
		AS s(kind, id, due_at, correlation_id, causation_id, traceparent)
	ON CONFLICT (kind, id) DO UPDATE SET due_at = excluded.due_at, next_at = excluded.due_at, revision = deadlines.revision + 1,
		attempts = 0, last_error = NULL, failed_at = NULL,
		correlation_id = excluded.correlation_id, causation_id = excluded.causation_id, traceparent = excluded.traceparent`

// write writes the deadlines and what is known of streams, and moves the cursor, in one round trip.
func (c *changes) write(ctx context.Context, tx pgx.Tx, from, to int64) error {
	b := &pgx.Batch{}
	c.writeAside(b)
	if err := c.writeEvents(b); err != nil {
		return err
	}
	endedKinds, endedIDs := keyColumns(c.ended)
	setKinds, setIDs := keyColumns(c.set)
	if len(c.ended)+len(c.set) > 0 {
		b.Queue(lockSQL, slices.Concat(endedKinds, setKinds), slices.Concat(endedIDs, setIDs))
	}
	if len(c.ended) > 0 {
		b.Queue(endSQL, endedKinds, endedIDs)
	}
	if len(c.set) > 0 {
		var dueAt []time.Time
		var correlationIDs, causationIDs, traceparents []string
		for i := range setIDs {
			d := c.set[deadlineKey{setKinds[i], setIDs[i]}]
			dueAt, correlationIDs = append(dueAt, d.dueAt), append(correlationIDs, d.CorrelationID)
			causationIDs, traceparents = append(causationIDs, d.CausationID), append(traceparents, d.Traceparent)
		}
		b.Queue(setSQL, setKinds, setIDs, dueAt, correlationIDs, causationIDs, traceparents)
	}
	moveCursor(b, from, to)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("write deadlines up to position %d: %w", to, err)
	}
	return nil
}

// keyColumns returns the keys of a set as parameters of a statement.
func keyColumns[V any](set map[deadlineKey]V) (kinds []Kind, ids []string) {
	for k := range set {
		kinds, ids = append(kinds, k.kind), append(ids, k.id)
	}
	return kinds, ids
}
