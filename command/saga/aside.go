package saga

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"ticketing/command/eventstore"
)

// How streams that were put aside are tried again: a build that knows their domain events follows them within half a minute of its start.
const (
	asideEvery = 30 * time.Second
	asideBatch = 100 // streams tried at a time, those first that have waited longest
)

// asideStream is a stream that waits at a domain event which this build can't apply.
type asideStream struct {
	version int64
	err     error
}

// putAside has a stream wait at r. The others go on.
func (c *changes) putAside(r *eventstore.Recorded, err error) {
	c.aside[r.StreamID] = true
	c.fresh[r.StreamID] = asideStream{version: r.Version, err: err}
}

// loadAside returns which of the streams wait.
func loadAside(ctx context.Context, tx pgx.Tx, streamIDs []string) (map[string]bool, error) {
	rows, err := tx.Query(ctx, `SELECT stream_id FROM saga_aside WHERE stream_id = ANY ($1)`, streamIDs)
	if err != nil {
		return nil, fmt.Errorf("read which streams wait: %w", err)
	}
	waiting, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("read which streams wait: %w", err)
	}
	aside := make(map[string]bool, len(waiting))
	for _, id := range waiting {
		aside[id] = true
	}
	return aside, nil
}

// writeAside records the streams that were put aside.
func (c *changes) writeAside(b *pgx.Batch) {
	for _, id := range slices.Sorted(maps.Keys(c.fresh)) {
		b.Queue(`INSERT INTO saga_aside (stream_id, version, error, tried_at) VALUES ($1, $2, $3, clock_timestamp())
			ON CONFLICT (stream_id) DO NOTHING`, id, c.fresh[id].version, c.fresh[id].err.Error())
	}
}

// retryAside follows the streams that wait as far as this build can.
func (f *follower) retryAside(ctx context.Context) error {
	rows, err := f.pool.Query(ctx, `SELECT stream_id FROM saga_aside ORDER BY tried_at LIMIT $1`, asideBatch)
	if err != nil {
		return fmt.Errorf("read which streams wait: %w", err)
	}
	waiting, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("read which streams wait: %w", err)
	}
	for _, id := range waiting {
		for more := true; more; {
			err := f.inTransaction(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
				more, err = f.followAside(ctx, tx, id)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// followAside follows a part of a stream that waits, up to the cursor at most, and reports whether there is more that it can follow.
func (f *follower) followAside(ctx context.Context, tx pgx.Tx, streamID string) (more bool, err error) {
	position, err := lockCursor(ctx, tx)
	if err != nil {
		return false, err
	}
	var version int64
	err = tx.QueryRow(ctx, `DELETE FROM saga_aside WHERE stream_id = $1 RETURNING version`, streamID).Scan(&version)
	if errors.Is(err, pgx.ErrNoRows) { // another replica was faster
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("take up stream %s: %w", streamID, err)
	}
	recorded, err := eventstore.ReadStream(ctx, tx, streamID, version-1, batchSize)
	if err != nil {
		return false, err
	}
	full := len(recorded) == batchSize
	recorded = slices.DeleteFunc(recorded, func(r eventstore.Recorded) bool { return r.Position > position })
	c, err := f.applyRecords(ctx, tx, recorded, position, position)
	if err != nil {
		return false, err
	}
	if _, waits := c.fresh[streamID]; waits || !full || len(recorded) < batchSize {
		if !waits {
			f.log.InfoContext(ctx, "the saga follows a stream again that it did not know", "stream", streamID)
		}
		return false, nil
	}
	_, err = tx.Exec(ctx, `INSERT INTO saga_aside (stream_id, version, error, tried_at) VALUES ($1, $2, 'being followed', clock_timestamp())`,
		streamID, recorded[batchSize-1].Version+1)
	return true, err
}
