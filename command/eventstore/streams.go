package eventstore

import (
	"context"
	"fmt"
)

// ReadStreams returns up to limit domain events of each stream with a version above the one in after, stream by stream, in order.
func ReadStreams(ctx context.Context, db Querier, streamIDs []string, after []int64, limit int) ([]Recorded, error) {
	rows, err := db.Query(ctx, `SELECT d.* FROM unnest($1::text[], $2::bigint[]) AS s (stream_id, version)
		CROSS JOIN LATERAL (SELECT `+columns+` FROM domain_events e
			WHERE e.stream_id = s.stream_id AND e.version > s.version ORDER BY e.version LIMIT $3) d`, streamIDs, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read %d streams: %w", len(streamIDs), err)
	}
	return collectRecorded(rows)
}

// ReadCategories returns the domain events of these categories with a position above after, up to position to, in order.
func ReadCategories(ctx context.Context, db Querier, categories []string, after, to int64) ([]Recorded, error) {
	rows, err := db.Query(ctx, `SELECT `+columns+` FROM domain_events
		WHERE shard = $1 AND position > $2 AND position <= $3 AND split_part(stream_id, '-', 1) = ANY ($4)
		ORDER BY position`, Shard, after, to, categories)
	if err != nil {
		return nil, fmt.Errorf("read log after %d: %w", after, err)
	}
	return collectRecorded(rows)
}
