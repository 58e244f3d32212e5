package runner

import (
	"context"

	"ticketing/command/eventstore"
	"ticketing/command/relay/progress"
)

// published is what the events database says about the log and the broker.
type published struct {
	incarnation string
	refills     map[progress.PartitionID]int64 // how often the relay has filled each partition again
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
	p := published{incarnation: head.Incarnation, refills: make(map[progress.PartitionID]int64, len(partitions))}
	for id, partition := range partitions {
		p.refills[id] = partition.Refills
	}
	return p, nil
}
