package eventstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Snapshot is the encoded state of a stream at a version.
type Snapshot struct {
	StreamID      string
	Version       int64
	SchemaVersion int // of Data
	Incarnation   string
	Data          []byte
}

// ReadSnapshot returns the version and the data of a stream's snapshot, or false if there is none of this schema version and of the log's
// incarnation.
func ReadSnapshot(ctx context.Context, db Querier, streamID string, schemaVersion int) (version int64, data []byte, ok bool, err error) {
	err = db.QueryRow(ctx, `SELECT version, data FROM snapshots
		WHERE stream_id = $1 AND schema_version = $2 AND incarnation = `+IncarnationSQL, streamID, schemaVersion).Scan(&version, &data)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return 0, nil, false, nil
	case err != nil:
		return 0, nil, false, fmt.Errorf("read snapshot of %s: %w", streamID, err)
	}
	return version, data, true, nil
}

// HasFreshSnapshot reports whether a stream has a snapshot of this schema version with more than half of its domain events.
func HasFreshSnapshot(ctx context.Context, db Querier, streamID string, schemaVersion int) (fresh bool, err error) {
	err = db.QueryRow(ctx, `SELECT EXISTS (SELECT FROM snapshots s
			WHERE s.stream_id = $1 AND s.schema_version = $2 AND s.incarnation = `+IncarnationSQL+`
				AND s.version > (SELECT max(version) FROM domain_events d WHERE d.stream_id = $1) / 2)`,
		streamID, schemaVersion).Scan(&fresh)
	if err != nil {
		return false, fmt.Errorf("find a snapshot of %s: %w", streamID, err)
	}
	return fresh, nil
}

// WriteSnapshot replaces a stream's snapshot, unless that is as new.
func WriteSnapshot(ctx context.Context, db interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}, s Snapshot,
) error {
	_, err := db.Exec(ctx, `INSERT INTO snapshots AS old (stream_id, version, schema_version, incarnation, data) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (stream_id) DO UPDATE SET version = excluded.version, schema_version = excluded.schema_version,
			incarnation = excluded.incarnation, data = excluded.data
		WHERE old.version < excluded.version OR old.incarnation <> excluded.incarnation OR old.schema_version <> excluded.schema_version`,
		s.StreamID, s.Version, s.SchemaVersion, s.Incarnation, s.Data)
	if err != nil {
		return fmt.Errorf("write snapshot of %s: %w", s.StreamID, err)
	}
	return nil
}
