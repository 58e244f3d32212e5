package eventstore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Change is what a state needs of a domain event: without its position, metadata and time, whose decoding would make loading long streams
// and catching up with other replicas slower.
type Change struct {
	StreamID      string
	Version       int64
	Type          string
	SchemaVersion int
	Data          json.RawMessage
}

const changeColumns = `stream_id, version, type, schema_version, data`

// ChangesSQL reads the changes of many streams for EachChange: of those in $1 up to $3 each, above the versions in $2.
const ChangesSQL = `SELECT d.* FROM unnest($1::text[], $2::bigint[]) AS behind(stream_id, version),
	LATERAL (SELECT ` + changeColumns + ` FROM domain_events d
		WHERE d.stream_id = behind.stream_id AND d.version > behind.version ORDER BY d.version LIMIT $3) d`

// EachChange calls f for each row of ChangesSQL. The change and its data are valid only until f returns.
func EachChange(rows pgx.Rows, f func(*Change) error) error {
	defer rows.Close()
	var c Change
	for rows.Next() {
		if err := rows.Scan(&c.StreamID, &c.Version, &c.Type, &c.SchemaVersion, nil); err != nil {
			return fmt.Errorf("scan a change: %w", err)
		}
		c.Data = rows.RawValues()[4] // JSON is the same in both of PostgreSQL's formats
		if err := f(&c); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read changes: %w", err)
	}
	return nil
}

// ReadChanges calls f for up to limit changes of one stream with a version above after, in order, and returns how many there were.
func ReadChanges(ctx context.Context, db Querier, streamID string, after int64, limit int, f func(*Change) error) (n int, err error) {
	rows, err := db.Query(ctx, `SELECT `+changeColumns+` FROM domain_events
		WHERE stream_id = $1 AND version > $2 ORDER BY version LIMIT $3`, streamID, after, limit)
	if err != nil {
		return 0, fmt.Errorf("read stream %s after %d: %w", streamID, after, err)
	}
	err = EachChange(rows, func(c *Change) error {
		n++
		return f(c)
	})
	return n, err
}
