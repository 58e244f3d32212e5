package eventstore

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Scanned is what a stretch of the log has, without what its domain events say.
type Scanned struct {
	Events  int64    // how many domain events; fewer than positions mean a gap
	Unknown []string // streams of no known category
	Begun   []string // streams of the wanted categories that begin there, in the order of the log
}

// Scan reads a stretch of the log: which categories are known, and of which of them it returns the streams that begin there.
func Scan(ctx context.Context, db Querier, part Stretch, known, wanted []string) (s Scanned, err error) {
	rows, err := db.Query(ctx, `SELECT stream_id, version = 1 AND split_part(stream_id, '-', 1) = ANY ($5), NOT split_part(stream_id, '-', 1) = ANY ($4)
		FROM domain_events WHERE shard = $1 AND position > $2 AND position <= $3 ORDER BY position`, Shard, part.After, part.Until, known, wanted)
	if err != nil {
		return s, fmt.Errorf("scan the log after %d: %w", part.After, err)
	}
	var streamID string
	var begins, unknown bool
	_, err = pgx.ForEachRow(rows, []any{&streamID, &begins, &unknown}, func() error {
		s.Events++
		if begins {
			s.Begun = append(s.Begun, streamID)
		}
		if unknown {
			s.Unknown = append(s.Unknown, streamID)
		}
		return nil
	})
	if err != nil {
		return s, fmt.Errorf("scan the log after %d: %w", part.After, err)
	}
	return s, nil
}

// ExistingStreams returns which of the streams have a domain event.
func ExistingStreams(ctx context.Context, db Querier, streamIDs []string) (map[string]bool, error) {
	rows, err := db.Query(ctx, `SELECT s.id FROM unnest($1::text[]) AS s (id)
		WHERE EXISTS (SELECT FROM domain_events d WHERE d.stream_id = s.id)`, streamIDs)
	if err != nil {
		return nil, fmt.Errorf("look for %d streams: %w", len(streamIDs), err)
	}
	existing := make(map[string]bool, len(streamIDs))
	var streamID string
	_, err = pgx.ForEachRow(rows, []any{&streamID}, func() error {
		existing[streamID] = true
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for %d streams: %w", len(streamIDs), err)
	}
	return existing, nil
}
