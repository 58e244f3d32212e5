package projector

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"ticketing/command/eventstore"
)

// published is what the events database says about the broker.
type published struct {
	incarnation string
	unpublished int64 // domain events that wait for the relay
	partitions  map[partitionID]publishedPartition
}

type publishedPartition struct {
	ends    int64 // offset after the last record that the relay knows of
	refills int64
}

func readPublished(ctx context.Context, log eventstore.Querier) (published, error) {
	p := published{partitions: map[partitionID]publishedPartition{}}
	head, err := eventstore.ReadHead(ctx, log)
	if err != nil {
		return p, fmt.Errorf("projector: %w", err)
	}
	p.incarnation = head.Incarnation
	err = log.QueryRow(ctx, `SELECT $2 - coalesce((SELECT position FROM relay_cursor WHERE shard = $1), 0)`,
		eventstore.Shard, head.Position).Scan(&p.unpublished)
	if err != nil {
		return p, fmt.Errorf("projector: read the relay's cursor: %w", err)
	}
	rows, err := log.Query(ctx, `SELECT topic, partition, last_offset + 1, refills FROM relay_partitions`)
	if err != nil {
		return p, fmt.Errorf("projector: read the relay's partitions: %w", err)
	}
	var id partitionID
	var partition publishedPartition
	_, err = pgx.ForEachRow(rows, []any{&id.topic, &id.index, &partition.ends, &partition.refills}, func() error {
		p.partitions[id] = partition
		return nil
	})
	if err != nil {
		return p, fmt.Errorf("projector: read the relay's partitions: %w", err)
	}
	return p, nil
}
