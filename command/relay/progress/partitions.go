package progress

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"ticketing/command/eventstore"
)

// ReadPartitions returns all partitions.
func ReadPartitions(ctx context.Context, db eventstore.Querier) (map[PartitionID]*Partition, error) {
	rows, err := db.Query(ctx, `SELECT topic, partition, last_offset, last_position, filled_to, refills FROM relay_partitions`)
	if err != nil {
		return nil, fmt.Errorf("read the relay's partitions: %w", err)
	}
	partitions := map[PartitionID]*Partition{}
	var id PartitionID
	var p Partition
	_, err = pgx.ForEachRow(rows, []any{&id.Topic, &id.Index, &p.LastOffset, &p.LastPosition, &p.FilledTo, &p.Refills}, func() error {
		partitions[id] = new(p)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the relay's partitions: %w", err)
	}
	return partitions, nil
}

// SavePartitions replaces all partitions.
func SavePartitions(ctx context.Context, db DB, partitions map[PartitionID]*Partition) error {
	p := newColumns(partitions)
	batch := &pgx.Batch{}
	batch.Queue(`DELETE FROM relay_partitions WHERE NOT EXISTS (
		SELECT FROM unnest($1::text[], $2::int[]) AS n (topic, partition)
		WHERE n.topic = relay_partitions.topic AND n.partition = relay_partitions.partition)`,
		p.topics, p.indexes)
	batch.Queue(`INSERT INTO relay_partitions (topic, partition, last_offset, last_position, filled_to, refills)
		SELECT topic, partition, last_offset, last_position, filled_to, refills
		FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
			AS n (topic, partition, last_offset, last_position, filled_to, refills)
		ON CONFLICT (topic, partition) DO UPDATE SET last_offset = excluded.last_offset,
			last_position = excluded.last_position, filled_to = excluded.filled_to, refills = excluded.refills`,
		p.topics, p.indexes, p.offsets, p.positions, p.filledTo, p.refills)
	if err := db.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("save partitions: %w", err)
	}
	return nil
}

// columns are partitions as arguments of a statement.
type columns struct {
	topics                      []string
	indexes                     []int32
	offsets, positions, refills []int64
	filledTo                    []*int64
}

func newColumns(partitions map[PartitionID]*Partition) columns {
	var c columns
	for id, p := range partitions {
		c.topics, c.indexes = append(c.topics, id.Topic), append(c.indexes, id.Index)
		c.offsets, c.positions = append(c.offsets, p.LastOffset), append(c.positions, p.LastPosition)
		c.filledTo, c.refills = append(c.filledTo, p.FilledTo), append(c.refills, p.Refills)
	}
	return c
}
