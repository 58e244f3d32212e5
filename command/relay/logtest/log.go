// Package logtest appends domain events to a log without deciding them, for tests of the log's readers. Like the engine, it keeps
// positions and versions dense.
package logtest

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/command/eventstore"
)

// Log appends to the log of one events database.
type Log struct {
	Pool     *pgxpool.Pool
	Registry *eventstore.Registry
}

// Append writes domain events to the end of a stream, in one transaction.
func (l Log) Append(t testing.TB, streamID string, domainEvents ...any) {
	t.Helper()
	err := pgx.BeginFunc(context.Background(), l.Pool, func(tx pgx.Tx) error {
		for _, e := range domainEvents {
			name, version, data, err := l.Registry.Encode(e)
			require.NoError(t, err)
			if err := insertEvent(tx, streamID, name, version, data); err != nil {
				return err
			}
		}
		return nil
	})
	require.NoError(t, err)
}

// AppendRaw writes any type, schema version and data to the end of a stream.
func (l Log) AppendRaw(t testing.TB, streamID, name string, schemaVersion int, data string) {
	t.Helper()
	err := pgx.BeginFunc(context.Background(), l.Pool, func(tx pgx.Tx) error {
		return insertEvent(tx, streamID, name, schemaVersion, json.RawMessage(data))
	})
	require.NoError(t, err)
}

// NewIncarnation removes the domain events above a position and changes the incarnation, as a restore that loses commits.
func (l Log) NewIncarnation(t testing.TB, lastPosition int64) {
	t.Helper()
	err := pgx.BeginFunc(context.Background(), l.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(context.Background(), `DELETE FROM domain_events WHERE position > $1`, lastPosition); err != nil {
			return fmt.Errorf("lose commits: %w", err)
		}
		if _, err := tx.Exec(context.Background(), `UPDATE log_incarnation SET incarnation = gen_random_uuid()`); err != nil {
			return fmt.Errorf("change incarnation: %w", err)
		}
		return nil
	})
	require.NoError(t, err)
}

func insertEvent(tx pgx.Tx, streamID, name string, schemaVersion int, data json.RawMessage) error {
	ctx := context.Background()
	if _, err := tx.Exec(ctx, `LOCK TABLE domain_events IN EXCLUSIVE MODE`); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	_, err := tx.Exec(ctx, `INSERT INTO domain_events
			(shard, position, stream_id, version, type, schema_version, data, metadata, recorded_at)
		SELECT $1, 1 + coalesce((SELECT max(position) FROM domain_events WHERE shard = $1), 0), $2,
			1 + coalesce((SELECT max(version) FROM domain_events WHERE stream_id = $2), 0), $3, $4, $5,
			json_build_object('correlationId', 'cor_1', 'actor', 'usr_1', 'incarnation', incarnation), now()
		FROM log_incarnation WHERE shard = $1`, eventstore.Shard, streamID, name, schemaVersion, string(data))
	if err != nil {
		return fmt.Errorf("insert: %w", err)
	}
	return nil
}
