// Package logtest appends domain events to a log without deciding them, for tests of the log's readers. Like the engine, it keeps
// positions and versions dense.
package logtest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/command/eventstore"
)

// Log appends to the log of one events database.
type Log struct {
	Pool     *pgxpool.Pool
	Registry *eventstore.Registry
	Metadata eventstore.Metadata // Of what is appended. Default: of the correlation id "cor_1" and the actor "usr_1".
}

// Entry is a domain event and the stream that it goes to.
type Entry struct {
	StreamID string
	Event    any
}

// Append writes domain events to the end of a stream, in one transaction.
func (l Log) Append(t testing.TB, streamID string, domainEvents ...any) {
	t.Helper()
	entries := make([]Entry, len(domainEvents))
	for i, e := range domainEvents {
		entries[i] = Entry{StreamID: streamID, Event: e}
	}
	require.NoError(t, l.AppendAt(context.Background(), time.Now(), entries...))
}

// AppendAt writes domain events to the ends of their streams, in one transaction, as if they were recorded at a time.
func (l Log) AppendAt(ctx context.Context, at time.Time, entries ...Entry) error {
	b := &pgx.Batch{}
	for _, entry := range entries {
		name, version, data, err := l.Registry.Encode(entry.Event)
		if err != nil {
			return fmt.Errorf("encode %T: %w", entry.Event, err)
		}
		if err := l.queueInsert(b, at, entry.StreamID, name, version, string(data)); err != nil {
			return err
		}
	}
	return l.send(ctx, b)
}

// AppendRaw writes any type, schema version and data to the end of a stream.
func (l Log) AppendRaw(t testing.TB, streamID, name string, schemaVersion int, data string) {
	t.Helper()
	b := &pgx.Batch{}
	require.NoError(t, l.queueInsert(b, time.Now(), streamID, name, schemaVersion, data))
	require.NoError(t, l.send(context.Background(), b))
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

func (l Log) queueInsert(b *pgx.Batch, at time.Time, streamID, name string, schemaVersion int, data string) error {
	metadata, err := json.Marshal(cmp.Or(l.Metadata, eventstore.Metadata{CorrelationID: "cor_1", Actor: "usr_1"}))
	if err != nil {
		return fmt.Errorf("encode the metadata: %w", err)
	}
	b.Queue(`INSERT INTO domain_events (shard, position, stream_id, version, type, schema_version, data, metadata, recorded_at)
		SELECT $1, 1 + coalesce((SELECT max(position) FROM domain_events WHERE shard = $1), 0), $2,
			1 + coalesce((SELECT max(version) FROM domain_events WHERE stream_id = $2), 0), $3, $4, $5,
			($6::jsonb || jsonb_build_object('incarnation', incarnation))::json, $7
		FROM log_incarnation WHERE shard = $1`, eventstore.Shard, streamID, name, schemaVersion, data, string(metadata), at)
	return nil
}

// send runs the statements under the engine's lock.
func (l Log) send(ctx context.Context, b *pgx.Batch) error {
	err := pgx.BeginFunc(ctx, l.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1, $2)`, int32(eventstore.LockClass), int32(eventstore.Shard)); err != nil {
			return fmt.Errorf("lock: %w", err)
		}
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return fmt.Errorf("append to the log: %w", err)
	}
	return nil
}
