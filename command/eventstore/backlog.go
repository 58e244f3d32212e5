package eventstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
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

// Stretch is a part of the log: the positions above After, up to and including Until.
type Stretch struct{ After, Until int64 }

// EdgeEvent is a domain event near one end of a stretch.
type EdgeEvent struct {
	Stretch  int // index of the stretch
	StreamID string
	Age      time.Duration
}

// ReadEdges returns the first and the last 100 domain events of each stretch.
func ReadEdges(ctx context.Context, db Querier, stretches []Stretch) ([]EdgeEvent, error) {
	after, until := make([]int64, len(stretches)), make([]int64, len(stretches))
	for i, s := range stretches {
		after[i], until[i] = s.After, s.Until
	}
	rows, err := db.Query(ctx, `SELECT s.n - 1, d.stream_id, extract(epoch FROM now() - d.recorded_at)::float8
		FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS s (after, until, n)
		CROSS JOIN LATERAL (
			(SELECT stream_id, recorded_at FROM domain_events WHERE shard = $3 AND position > s.after AND position <= s.until
				ORDER BY position LIMIT 100)
			UNION ALL
			(SELECT stream_id, recorded_at FROM domain_events WHERE shard = $3 AND position > s.after AND position <= s.until
				ORDER BY position DESC LIMIT 100)) d`, after, until, Shard)
	if err != nil {
		return nil, fmt.Errorf("read the edges of %d stretches of the log: %w", len(stretches), err)
	}
	edges, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (e EdgeEvent, err error) {
		var seconds float64
		err = row.Scan(&e.Stretch, &e.StreamID, &seconds)
		e.Age = time.Duration(seconds * float64(time.Second))
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the edges of %d stretches of the log: %w", len(stretches), err)
	}
	return edges, nil
}
