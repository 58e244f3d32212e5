// Package progress records how far the log is published: in the tables relay_cursor and relay_partitions, which no other package
// reads or writes.
package progress

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"ticketing/command/eventstore"
)

// DB is the events database. No statement needs anything of its connection, so that a pooler may be in between.
type DB interface {
	eventstore.Querier
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	SendBatch(ctx context.Context, batch *pgx.Batch) pgx.BatchResults
}

// Cursor is how far the log is published.
type Cursor struct {
	Incarnation string
	Position    int64 // all records up to here are in their partitions, except those that a refill has yet to publish again
}

// PartitionID names a partition.
type PartitionID struct {
	Topic string
	Index int32
}

// Partition is what the relay has published to a partition.
type Partition struct {
	LastOffset   int64  // of the last record, -1 for none
	LastPosition int64  // of the last record in the log, or Unverifiable
	FilledTo     *int64 // during a refill: the position up to which it is complete
	Refills      int64  // counts the losses of records
}

// Unverifiable is the LastPosition of a partition whose last record is not known.
const Unverifiable = 0

// ErrOutrun says that another relay has moved the cursor, or that the log has another incarnation.
var ErrOutrun = errors.New("the cursor or the log's incarnation has changed")

// LoadCursor returns the cursor. It is at the beginning of the log if there is none or if the log has a new incarnation.
func LoadCursor(ctx context.Context, db DB) (Cursor, error) {
	head, err := eventstore.ReadHead(ctx, db)
	if err != nil {
		return Cursor{}, err
	}
	// Positions of another incarnation can't be compared with those of this one.
	_, err = db.Exec(ctx, `UPDATE relay_partitions SET last_position = $3, filled_to = NULL
		WHERE EXISTS (SELECT FROM relay_cursor WHERE shard = $1 AND incarnation <> $2)`,
		eventstore.Shard, head.Incarnation, Unverifiable)
	if err != nil {
		return Cursor{}, fmt.Errorf("start over with incarnation %s: %w", head.Incarnation, err)
	}
	c := Cursor{Incarnation: head.Incarnation}
	err = db.QueryRow(ctx, `INSERT INTO relay_cursor AS c (shard, incarnation, position) VALUES ($1, $2, 0)
		ON CONFLICT (shard) DO UPDATE SET incarnation = excluded.incarnation,
			position = CASE WHEN c.incarnation = excluded.incarnation THEN c.position ELSE 0 END
		RETURNING position`, eventstore.Shard, head.Incarnation).Scan(&c.Position)
	if err != nil {
		return Cursor{}, fmt.Errorf("load cursor: %w", err)
	}
	return c, nil
}

// Check returns an error if the log is not the one that c is a position of.
func (c Cursor) Check(ctx context.Context, db DB) error {
	head, err := eventstore.ReadHead(ctx, db)
	if err != nil {
		return err
	}
	if head.Incarnation != c.Incarnation {
		return ErrOutrun
	}
	if head.Position < c.Position {
		return fmt.Errorf("the log ends at %d, but is published up to %d: it was restored without a new incarnation",
			head.Position, c.Position)
	}
	return nil
}

// Move moves the cursor and saves the partitions that were published to, in one statement. It returns ErrOutrun, and changes nothing,
// if the cursor in the table is not c. It does not wait for the disk: if a crash of the database sets the cursor back, that only causes
// duplicates.
func (c Cursor) Move(ctx context.Context, db DB, to int64, published map[PartitionID]*Partition) error {
	p := newColumns(published)
	var moved int
	err := db.QueryRow(ctx, `WITH moved AS (
			UPDATE relay_cursor c SET position = $1
			WHERE c.shard = $2 AND c.position = $3 AND c.incarnation = $4 AND c.incarnation = `+eventstore.IncarnationSQL+`
			RETURNING 1
		), saved AS (
			UPDATE relay_partitions p SET last_offset = n.last_offset, last_position = n.last_position, filled_to = n.filled_to
			FROM unnest($5::text[], $6::int[], $7::bigint[], $8::bigint[], $9::bigint[])
				AS n (topic, partition, last_offset, last_position, filled_to)
			WHERE p.topic = n.topic AND p.partition = n.partition AND EXISTS (SELECT FROM moved)
		), unhurried AS (SELECT set_config('synchronous_commit', 'off', true)
		) SELECT count(*) FROM moved, unhurried`,
		to, eventstore.Shard, c.Position, c.Incarnation, p.topics, p.indexes, p.offsets, p.positions, p.filledTo).Scan(&moved)
	if err != nil {
		return fmt.Errorf("move cursor from %d to %d: %w", c.Position, to, err)
	}
	if moved != 1 {
		return ErrOutrun
	}
	return nil
}

// ReadCursor returns the cursor, the zero value if there is none.
func ReadCursor(ctx context.Context, db eventstore.Querier) (c Cursor, err error) {
	err = db.QueryRow(ctx, `SELECT incarnation::text, position FROM relay_cursor WHERE shard = $1`, eventstore.Shard).Scan(&c.Incarnation, &c.Position)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return Cursor{}, fmt.Errorf("read the relay's cursor: %w", err)
	}
	return c, nil
}
