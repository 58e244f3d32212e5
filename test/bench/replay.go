package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/command/eventstore"
)

// replay is the lower bound: one loop that appends the rows that the engine has appended, in the same batches, to a second database of the
// same server, without decisions, locks, look-ups or results. No engine that makes these rows durable in these batches could be
// faster, and the clients need no time. Both tables have the same length before each batch.
type replay struct {
	from     *pgxpool.Pool
	to       *pgx.Conn
	position int64 // the last one appended

	batches, commands int
}

// appendBatch has the rows of one of the engine's batches, as columns.
type appendBatch struct {
	position int64 // of the log before it
	at       time.Time

	streamIDs, types, data, metadata []string
	versions                         []int64
	schemaVersions                   []int16

	actors, keys, outcomes []string
	hashes                 [][]byte
}

func openReplay(ctx context.Context, from *pgxpool.Pool, to string) (*replay, error) {
	conn, err := pgx.Connect(ctx, to)
	if err != nil {
		return nil, fmt.Errorf("connect to the floor's database: %w", err)
	}
	return &replay{from: from, to: conn}, nil
}

func (r *replay) close() { _ = r.to.Close(context.Background()) }

// appendNew appends what the engine has appended since the last call. A measured command is one with an idempotency key; only the appends
// are timed.
func (r *replay) appendNew(ctx context.Context) (m measured, err error) {
	batches, err := r.readBatches(ctx)
	if err != nil {
		return m, err
	}
	for _, b := range batches {
		began := time.Now()
		if err := r.appendOne(ctx, b); err != nil {
			return m, err
		}
		if len(b.keys) == 0 {
			continue // setting up an event
		}
		took := time.Since(began)
		m.Took += took
		m.Done += len(b.keys)
		m.Latencies = append(m.Latencies, took)
		r.batches++
		r.commands += len(b.keys)
	}
	m.Latencies = mergeSorted(m.Latencies, nil)
	return m, nil
}

// readBatches returns the engine's new batches, which differ in their time.
func (r *replay) readBatches(ctx context.Context) ([]*appendBatch, error) {
	rows, err := r.from.Query(ctx, `SELECT recorded_at, position, stream_id, version, type, schema_version, data::text, metadata::text
		FROM domain_events WHERE shard = $1 AND position > $2 ORDER BY position`, eventstore.Shard, r.position)
	if err != nil {
		return nil, fmt.Errorf("read the engine's rows: %w", err)
	}
	var batches []*appendBatch
	byTime := map[time.Time]*appendBatch{}
	var at time.Time
	var position, version int64
	var schemaVersion int16
	var streamID, name, data, metadata string
	_, err = pgx.ForEachRow(rows, []any{&at, &position, &streamID, &version, &name, &schemaVersion, &data, &metadata}, func() error {
		b := byTime[at.UTC()]
		if b == nil {
			b = &appendBatch{position: position - 1, at: at.UTC()}
			batches, byTime[b.at] = append(batches, b), b
		}
		b.streamIDs, b.versions = append(b.streamIDs, streamID), append(b.versions, version)
		b.types, b.schemaVersions = append(b.types, name), append(b.schemaVersions, schemaVersion)
		b.data, b.metadata = append(b.data, data), append(b.metadata, metadata)
		r.position = position
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the engine's rows: %w", err)
	}
	if len(batches) == 0 {
		return nil, nil
	}
	return batches, r.readKeys(ctx, byTime, batches[0].at, batches[len(batches)-1].at)
}

const keyTTL = 24 * time.Hour // as the engine's

func (r *replay) readKeys(ctx context.Context, byTime map[time.Time]*appendBatch, first, last time.Time) error {
	rows, err := r.from.Query(ctx, `SELECT expires_at, actor, key, request_hash, outcome::text FROM idempotency_keys
		WHERE expires_at BETWEEN $1 AND $2`, first.Add(keyTTL), last.Add(keyTTL))
	if err != nil {
		return fmt.Errorf("read the engine's keys: %w", err)
	}
	var expiresAt time.Time
	var actor, key, outcome string
	var hash []byte
	_, err = pgx.ForEachRow(rows, []any{&expiresAt, &actor, &key, &hash, &outcome}, func() error {
		b := byTime[expiresAt.UTC().Add(-keyTTL)]
		b.actors, b.keys = append(b.actors, actor), append(b.keys, key)
		b.hashes, b.outcomes = append(b.hashes, append([]byte(nil), hash...)), append(b.outcomes, outcome)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the engine's keys: %w", err)
	}
	return nil
}

// appendOne appends a batch in one round trip: the engine's statement without what only a decision needs.
func (r *replay) appendOne(ctx context.Context, b *appendBatch) error {
	q := &pgx.Batch{}
	q.Queue(`BEGIN`)
	q.Queue(`WITH appended AS (
			INSERT INTO domain_events (shard, position, stream_id, version, type, schema_version, data, metadata, recorded_at)
			SELECT $1, $2 + n, stream_id, version, type, schema_version, data::json, metadata::json, $3
			FROM unnest($4::text[], $5::bigint[], $6::text[], $7::smallint[], $8::text[], $9::text[])
				WITH ORDINALITY AS r(stream_id, version, type, schema_version, data, metadata, n)
		)
		INSERT INTO idempotency_keys (actor, key, request_hash, outcome, expires_at)
		SELECT actor, key, request_hash, outcome::json, $14
		FROM unnest($10::text[], $11::text[], $12::bytea[], $13::text[]) AS k(actor, key, request_hash, outcome)`,
		eventstore.Shard, b.position, b.at, b.streamIDs, b.versions, b.types, b.schemaVersions, b.data, b.metadata,
		b.actors, b.keys, b.hashes, b.outcomes, b.at.Add(keyTTL))
	q.Queue(`COMMIT`)
	if err := r.to.SendBatch(ctx, q).Close(); err != nil {
		return fmt.Errorf("append: %w", err)
	}
	return nil
}
