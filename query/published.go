package query

import (
	"context"

	"ticketing/command/eventstore"
	"ticketing/command/relay/progress"
	"ticketing/internal/kafka"
	"ticketing/query/db"
)

// published is how far the relay has published the log.
type published struct {
	lag        progress.Lag
	partitions map[progress.PartitionID]*progress.Partition
	counts     map[string]int32 // partitions by topic
}

// countAhead returns how many records the partition has after a checkpoint. A partition that ends where the checkpoint is, but with
// another record, is a new one: none of it is read.
func countAhead(p *progress.Partition, read db.ProjectionCheckpointsRow) int64 {
	if p == nil {
		return 0
	}
	end := p.LastOffset + 1
	known := p.LastPosition != progress.Unverifiable && read.Position > 0
	if known && ((read.NextOffset == end && read.Position != p.LastPosition) || (read.NextOffset > end && read.Position < p.LastPosition)) {
		return end
	}
	return max(0, end-read.NextOffset)
}

func (p *Projections) readPublished(ctx context.Context) (published, error) {
	lag, err := progress.ReadLag(ctx, p.Events)
	if err != nil {
		return published{}, err
	}
	partitions, err := progress.ReadPartitions(ctx, p.Events)
	if err != nil {
		return published{}, err
	}
	found := published{lag: lag, partitions: partitions, counts: map[string]int32{}}
	for id := range partitions {
		found.counts[id.Topic]++
	}
	return found, nil
}

// readAges finds out since when partitions have been behind. It looks for the oldest record that is not applied at both ends of the
// stretch of the log that the partition lacks: a busy partition has it among the first records; one that was quiet for long, and is not
// far behind, among the last. For others the age may be too low, but is never too high.
func (p *Projections) readAges(ctx context.Context, published published, statuses []ProjectionStatus) error {
	behind, stretches := partitionsBehind(published, statuses)
	if len(behind) == 0 {
		return nil
	}
	edges, err := eventstore.ReadEdges(ctx, p.Events, stretches)
	if err != nil {
		return err
	}
	for _, e := range edges {
		partition := behind[e.Stretch]
		category, _ := eventstore.SplitStreamID(e.StreamID)
		topic := p.Topics[category]
		if topic == partition.Topic && kafka.Partition(e.StreamID, published.counts[topic]) == partition.Partition {
			partition.LagSeconds = max(partition.LagSeconds, e.Age.Seconds())
		}
	}
	return nil
}

// partitionsBehind returns the partitions that lack records, and for each the stretch of the log that these are in.
func partitionsBehind(published published, statuses []ProjectionStatus) (behind []*PartitionStatus, stretches []eventstore.Stretch) {
	for i := range statuses {
		for j := range statuses[i].Partitions {
			partition := &statuses[i].Partitions[j]
			if partition.LagRecords == 0 {
				continue
			}
			last := published.partitions[progress.PartitionID{Topic: partition.Topic, Index: partition.Partition}].LastPosition
			if last == progress.Unverifiable {
				last = published.lag.Published
			}
			behind = append(behind, partition)
			stretches = append(stretches, eventstore.Stretch{After: partition.Position, Until: last})
		}
	}
	return behind, stretches
}
