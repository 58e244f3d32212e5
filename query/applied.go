package query

import (
	"context"
	"fmt"

	"ticketing/command/relay/progress"
	"ticketing/query/db"
)

// Applied is up to which position of the log projections have everything.
type Applied struct {
	Incarnation string           // of the log
	Positions   map[string]int64 // by the projection's name
}

// Applied returns how far every projection is. It costs three small queries.
func (p *Projections) Applied(ctx context.Context) (Applied, error) {
	// In this order: what is published is read first, and so is never more than the checkpoints that are compared with it.
	cursor, err := progress.ReadCursor(ctx, p.Events)
	if err != nil {
		return Applied{}, err
	}
	partitions, err := progress.ReadPartitions(ctx, p.Events)
	if err != nil {
		return Applied{}, err
	}
	rows, err := p.read.ProjectionCheckpoints(ctx)
	if err != nil {
		return Applied{}, fmt.Errorf("read checkpoints: %w", err)
	}
	applied := Applied{Incarnation: cursor.Incarnation, Positions: map[string]int64{}}
	for name, categories := range p.Categories {
		checkpoints := checkpointsOf(name, rows)
		position := cursor.Position
		for id, partition := range partitions {
			if read := checkpoints[id]; p.follows(categories, id.Topic) && countAhead(partition, read) > 0 {
				position = min(position, read.Position)
			}
		}
		applied.Positions[name] = position
	}
	return applied, nil
}

func checkpointsOf(projection string, rows []db.ProjectionCheckpointsRow) map[progress.PartitionID]db.ProjectionCheckpointsRow {
	checkpoints := map[progress.PartitionID]db.ProjectionCheckpointsRow{}
	for _, c := range rows {
		if c.Projection == projection {
			checkpoints[progress.PartitionID{Topic: c.Topic, Index: c.Partition}] = c
		}
	}
	return checkpoints
}

// follows reports whether one of the categories is published to the topic.
func (p *Projections) follows(categories []string, topic string) bool {
	for _, category := range categories {
		if p.Topics[category] == topic {
			return true
		}
	}
	return false
}
