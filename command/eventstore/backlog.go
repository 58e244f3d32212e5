package eventstore

import (
	"context"
	"fmt"
	"time"
)

// Backlog is the part of the log that a reader has yet to read.
type Backlog struct {
	Events int64         // how many domain events
	Age    time.Duration // of the oldest of them
}

// ReadBacklog returns the backlog of a reader that has read up to the position after.
func ReadBacklog(ctx context.Context, db Querier, after int64) (Backlog, error) {
	var b Backlog
	var seconds float64
	err := db.QueryRow(ctx, `SELECT
		greatest(0, coalesce((SELECT position FROM domain_events WHERE shard = $1 ORDER BY position DESC LIMIT 1), 0) - $2::bigint),
		greatest(0, coalesce((SELECT extract(epoch FROM now() - recorded_at)::float8 FROM domain_events
			WHERE shard = $1 AND position > $2 ORDER BY position LIMIT 1), 0))`, Shard, after).Scan(&b.Events, &seconds)
	if err != nil {
		return Backlog{}, fmt.Errorf("read the backlog after %d: %w", after, err)
	}
	b.Age = time.Duration(seconds * float64(time.Second))
	return b, nil
}
