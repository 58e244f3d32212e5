package relay

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"ticketing/command/eventstore"
)

// cursor is how far the log is published.
type cursor struct {
	incarnation string
	position    int64 // everything up to here is in its partition, unless that is being filled again
}

// partitionID names a partition.
type partitionID struct {
	topic string
	index int32
}

// partition is what is known to be in one.
type partition struct {
	lastOffset   int64  // of the last record published, -1 for none
	lastPosition int64  // its position in the log, or unverifiable
	filledTo     *int64 // while it is being filled again: up to which position it is complete
	refills      int64  // moves when a loss was found
}

// unverifiable is the lastPosition of a partition whose last record is not known.
const unverifiable = 0

// errOutrun says that the cursor is not where this session left it, or that the log has another incarnation.
var errOutrun = errors.New("relay: the cursor or the log's incarnation has changed")

// loadCursor answers the cursor, at the log's beginning when there is none or when the log has become another one.
func loadCursor(ctx context.Context, conn *pgx.Conn) (cursor, error) {
	head, err := eventstore.ReadHead(ctx, conn)
	if err != nil {
		return cursor{}, fmt.Errorf("relay: %w", err)
	}
	// What the partitions hold of another incarnation is no measure for this one.
	_, err = conn.Exec(ctx, `UPDATE relay_partitions SET last_position = $3, filled_to = NULL
		WHERE EXISTS (SELECT FROM relay_cursor WHERE shard = $1 AND incarnation <> $2)`,
		eventstore.Shard, head.Incarnation, unverifiable)
	if err != nil {
		return cursor{}, fmt.Errorf("relay: start over with incarnation %s: %w", head.Incarnation, err)
	}
	c := cursor{incarnation: head.Incarnation}
	err = conn.QueryRow(ctx, `INSERT INTO relay_cursor AS c (shard, incarnation, position) VALUES ($1, $2, 0)
		ON CONFLICT (shard) DO UPDATE SET incarnation = excluded.incarnation,
			position = CASE WHEN c.incarnation = excluded.incarnation THEN c.position ELSE 0 END
		RETURNING position`, eventstore.Shard, head.Incarnation).Scan(&c.position)
	if err != nil {
		return cursor{}, fmt.Errorf("relay: load cursor: %w", err)
	}
	return c, nil
}

// check says whether the log still is the one that the cursor counts in.
func (c cursor) check(ctx context.Context, conn *pgx.Conn) error {
	head, err := eventstore.ReadHead(ctx, conn)
	if err != nil {
		return fmt.Errorf("relay: %w", err)
	}
	if head.Incarnation != c.incarnation {
		return errOutrun
	}
	if head.Position < c.position {
		return fmt.Errorf("relay: the log ends at %d, but %d was published: it was restored without a new incarnation",
			head.Position, c.position)
	}
	return nil
}

func loadPartitions(ctx context.Context, conn *pgx.Conn) (map[partitionID]*partition, error) {
	rows, err := conn.Query(ctx, `SELECT topic, partition, last_offset, last_position, filled_to, refills FROM relay_partitions`)
	if err != nil {
		return nil, fmt.Errorf("relay: load partitions: %w", err)
	}
	partitions := map[partitionID]*partition{}
	var id partitionID
	var p partition
	_, err = pgx.ForEachRow(rows, []any{&id.topic, &id.index, &p.lastOffset, &p.lastPosition, &p.filledTo, &p.refills}, func() error {
		loaded := p
		partitions[id] = &loaded
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("relay: load partitions: %w", err)
	}
	return partitions, nil
}

// savePartitions writes the partitions as they are from now on known to be, and forgets those that no longer exist.
func savePartitions(ctx context.Context, conn *pgx.Conn, partitions map[partitionID]*partition) error {
	r := newPartitionRows(partitions)
	batch := &pgx.Batch{}
	batch.Queue(`DELETE FROM relay_partitions WHERE NOT EXISTS (
		SELECT FROM unnest($1::text[], $2::int[]) AS n (topic, partition)
		WHERE n.topic = relay_partitions.topic AND n.partition = relay_partitions.partition)`,
		r.topics, r.indexes)
	batch.Queue(`INSERT INTO relay_partitions (topic, partition, last_offset, last_position, filled_to, refills)
		SELECT topic, partition, last_offset, last_position, filled_to, refills
		FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
			AS n (topic, partition, last_offset, last_position, filled_to, refills)
		ON CONFLICT (topic, partition) DO UPDATE SET last_offset = excluded.last_offset,
			last_position = excluded.last_position, filled_to = excluded.filled_to, refills = excluded.refills`,
		r.topics, r.indexes, r.offsets, r.positions, r.filledTo, r.refills)
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("relay: save partitions: %w", err)
	}
	return nil
}

// moveCursor compares and sets: one statement moves the cursor and notes what was published, or does nothing.
func moveCursor(ctx context.Context, conn *pgx.Conn, from cursor, to int64, published map[partitionID]*partition) error {
	r := newPartitionRows(published)
	var moved int
	err := conn.QueryRow(ctx, `WITH moved AS (
			UPDATE relay_cursor c SET position = $1
			FROM log_incarnation l
			WHERE c.shard = $2 AND c.position = $3 AND c.incarnation = $4 AND l.shard = c.shard AND l.incarnation = c.incarnation
			RETURNING 1
		), noted AS (
			UPDATE relay_partitions p SET last_offset = n.last_offset, last_position = n.last_position, filled_to = n.filled_to
			FROM unnest($5::text[], $6::int[], $7::bigint[], $8::bigint[], $9::bigint[])
				AS n (topic, partition, last_offset, last_position, filled_to)
			WHERE p.topic = n.topic AND p.partition = n.partition AND EXISTS (SELECT FROM moved)
		) SELECT count(*) FROM moved`,
		to, eventstore.Shard, from.position, from.incarnation, r.topics, r.indexes, r.offsets, r.positions, r.filledTo).Scan(&moved)
	if err != nil {
		return fmt.Errorf("relay: move cursor from %d to %d: %w", from.position, to, err)
	}
	if moved != 1 {
		return errOutrun
	}
	return nil
}

// partitionRows are partitions as the columns of a statement.
type partitionRows struct {
	topics                      []string
	indexes                     []int32
	offsets, positions, refills []int64
	filledTo                    []*int64
}

func newPartitionRows(partitions map[partitionID]*partition) partitionRows {
	var r partitionRows
	for id, p := range partitions {
		r.topics, r.indexes = append(r.topics, id.topic), append(r.indexes, id.index)
		r.offsets, r.positions = append(r.offsets, p.lastOffset), append(r.positions, p.lastPosition)
		r.filledTo, r.refills = append(r.filledTo, p.filledTo), append(r.refills, p.refills)
	}
	return r
}
