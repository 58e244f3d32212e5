package runner

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"ticketing/command/eventstore"
	"ticketing/projector/tables"
)

// published is what the events database says about the log and the broker.
type published struct {
	incarnation string
	refills     map[tables.Partition]int64 // how often the relay has filled each partition again
}

func readPublished(ctx context.Context, log eventstore.Querier) (published, error) {
	p := published{refills: map[tables.Partition]int64{}}
	head, err := eventstore.ReadHead(ctx, log)
	if err != nil {
		return p, err
	}
	p.incarnation = head.Incarnation
	rows, err := log.Query(ctx, `SELECT topic, partition, refills FROM relay_partitions`)
	if err != nil {
		return p, fmt.Errorf("read the relay's partitions: %w", err)
	}
	var id tables.Partition
	var refills int64
	_, err = pgx.ForEachRow(rows, []any{&id.Topic, &id.Index, &refills}, func() error {
		p.refills[id] = refills
		return nil
	})
	if err != nil {
		return p, fmt.Errorf("read the relay's partitions: %w", err)
	}
	return p, nil
}
