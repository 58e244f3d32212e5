package runner

import (
	"context"

	"ticketing/command/eventstore"
	"ticketing/command/relay/progress"
	"ticketing/projector/tables"
)

// published is what the events database says about the log and the broker.
type published struct {
	incarnation string
	refills     map[tables.Partition]int64 // how often the relay has filled each partition again
}

func readPublished(ctx context.Context, log eventstore.Querier) (published, error) {
	head, err := eventstore.ReadHead(ctx, log)
	if err != nil {
		return published{}, err
	}
	partitions, err := progress.ReadPartitions(ctx, log)
	if err != nil {
		return published{}, err
	}
	p := published{incarnation: head.Incarnation, refills: make(map[tables.Partition]int64, len(partitions))}
	for id, partition := range partitions {
		p.refills[tables.Partition(id)] = partition.Refills
	}
	return p, nil
}
