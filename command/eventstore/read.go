package eventstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Shard is the only shard, until one PostgreSQL is not enough.
const Shard int16 = 0

// LockClass is the first key of the advisory lock under which the log is appended to; the shard is the second.
const LockClass = 0x7469636b // "tick"

// Querier is what reading needs of a pgx connection, pool or transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

const columns = `shard, position, stream_id, version, type, schema_version, data, metadata, recorded_at`

// ReadAll returns up to limit domain events with a position above after, in order. Nothing that is committed later appears at or below the
// last position that it returns.
func ReadAll(ctx context.Context, db Querier, after int64, limit int) ([]Recorded, error) {
	rows, err := db.Query(ctx, `SELECT `+columns+` FROM domain_events
		WHERE shard = $1 AND position > $2 ORDER BY position LIMIT $3`, Shard, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read log after %d: %w", after, err)
	}
	return collectRecorded(rows)
}

// ReadStream returns up to limit domain events of one stream with a version above after, in order. A stream without any is empty.
func ReadStream(ctx context.Context, db Querier, streamID string, after int64, limit int) ([]Recorded, error) {
	rows, err := db.Query(ctx, `SELECT `+columns+` FROM domain_events
		WHERE stream_id = $1 AND version > $2 ORDER BY version LIMIT $3`, streamID, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read stream %s after %d: %w", streamID, after, err)
	}
	return collectRecorded(rows)
}

// Head is where the log ends, and which incarnation of it this is.
type Head struct {
	Position    int64
	Incarnation string
}

// ReadHead returns the last position of the log (0 when it is empty) and its incarnation.
func ReadHead(ctx context.Context, db Querier) (Head, error) {
	var h Head
	err := db.QueryRow(ctx, HeadSQL).Scan(&h.Position, &h.Incarnation)
	if err != nil {
		return Head{}, fmt.Errorf("read head of the log: %w", err)
	}
	return h, nil
}

// Expressions for the last position of the log and its incarnation, and the statement that reads a Head.
const (
	LastPositionSQL = `coalesce((SELECT position FROM domain_events WHERE shard = 0 ORDER BY position DESC LIMIT 1), 0)`
	IncarnationSQL  = `(SELECT incarnation FROM log_incarnation WHERE shard = 0)`
	HeadSQL         = `SELECT ` + LastPositionSQL + `, ` + IncarnationSQL + `::text`
)

func collectRecorded(rows pgx.Rows) ([]Recorded, error) {
	recorded, err := pgx.CollectRows(rows, scanRecorded)
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	return recorded, nil
}

// scanRecorded reads a row that has the log's columns in the table's order.
func scanRecorded(row pgx.CollectableRow) (Recorded, error) {
	var r Recorded
	var data, metadata []byte
	err := row.Scan(&r.Shard, &r.Position, &r.StreamID, &r.Version, &r.Type, &r.SchemaVersion, &data, &metadata, &r.RecordedAt)
	if err != nil {
		return Recorded{}, fmt.Errorf("scan a domain event: %w", err)
	}
	r.Data = data
	if err := json.Unmarshal(metadata, &r.Metadata); err != nil {
		return Recorded{}, errors.Join(fmt.Errorf("metadata at position %d", r.Position), err)
	}
	r.RecordedAt = r.RecordedAt.UTC()
	return r, nil
}
