package query

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"ticketing/command/relay/progress"
	"ticketing/query/db"
)

// ProjectionStatus is how far a projection is behind the log.
type ProjectionStatus struct {
	Name        string
	Generation  int64 // of its tables: it rises with every rebuild; 0: it has never been projected
	DeadLetters int   // streams that wait behind a domain event that can't be applied, and records that are none of ours
	Unpublished int64 // domain events that the relay has not published yet, whatever they are about
	LagRecords  int64 // all of what is missing: unpublished ones, and what its partitions lack
	LagSeconds  float64
	Partitions  []PartitionStatus // by topic and number
}

// PartitionStatus is how far a projection is behind one partition of one of its topics.
type PartitionStatus struct {
	Topic      string
	Partition  int32
	Position   int64   // in the log, of the record applied last; 0: none, or one that is no domain event
	LagRecords int64   // records that the relay has published and that are not applied
	LagSeconds float64 // age of the oldest of them: since when the projection has been behind
}

// ProjectionsConfig is what Projections need.
type ProjectionsConfig struct {
	Read       db.DBTX             // The database of the read tables. Required.
	Events     db.DBTX             // The events database, which holds the log. Required.
	Topics     map[string]string   // Names of topics by category of streams. Required.
	Categories map[string][]string // Categories of streams that each projection follows, by its name. Required.
}

// Projections reads how far projections are from the two databases alone, so that it works while broker and projectors are down.
type Projections struct {
	ProjectionsConfig

	read *db.Queries
}

// NewProjections returns Projections. It panics without a required field.
func NewProjections(c ProjectionsConfig) *Projections {
	if c.Read == nil || c.Events == nil || len(c.Topics) == 0 || len(c.Categories) == 0 {
		panic("read projections: Read, Events, Topics and Categories are required")
	}
	return &Projections{ProjectionsConfig: c, read: db.New(c.Read)}
}

// Status returns the status of every projection, by name.
func (p *Projections) Status(ctx context.Context) ([]ProjectionStatus, error) {
	published, err := p.readPublished(ctx)
	if err != nil {
		return nil, err
	}
	states, err := p.read.Projections(ctx)
	if err != nil {
		return nil, fmt.Errorf("read projections: %w", err)
	}
	checkpoints, err := p.read.ProjectionCheckpoints(ctx)
	if err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	statuses := make([]ProjectionStatus, 0, len(p.Categories))
	for _, name := range slices.Sorted(maps.Keys(p.Categories)) {
		s := ProjectionStatus{Name: name, Partitions: p.partitionsOf(name, published, checkpoints)}
		for _, state := range states {
			if state.Name == name {
				s.Generation, s.DeadLetters = state.Generation, int(state.DeadLetters)
			}
		}
		statuses = append(statuses, s)
	}
	if err := p.readAges(ctx, published, statuses); err != nil {
		return nil, err
	}
	for i := range statuses {
		statuses[i].sumLag(published)
	}
	return statuses, nil
}

// partitionsOf returns what the projection has read of each partition of its topics.
func (p *Projections) partitionsOf(projection string, published published, checkpoints []db.ProjectionCheckpointsRow) []PartitionStatus {
	read := map[progress.PartitionID]db.ProjectionCheckpointsRow{}
	for _, c := range checkpoints {
		if c.Projection == projection {
			read[progress.PartitionID{Topic: c.Topic, Index: c.Partition}] = c
		}
	}
	partitions := []PartitionStatus{}
	for _, category := range p.Categories[projection] {
		topic := p.Topics[category]
		for index := range published.counts[topic] {
			id := progress.PartitionID{Topic: topic, Index: index}
			partitions = append(partitions, PartitionStatus{
				Topic: topic, Partition: index, Position: max(0, read[id].Position), LagRecords: countAhead(published.partitions[id], read[id]),
			})
		}
	}
	return partitions
}

// sumLag adds up what a projection lacks.
func (s *ProjectionStatus) sumLag(published published) {
	s.Unpublished = published.lag.Events
	s.LagRecords, s.LagSeconds = published.lag.Events, published.lag.Age.Seconds()
	for _, partition := range s.Partitions {
		s.LagRecords += partition.LagRecords
		s.LagSeconds = max(s.LagSeconds, partition.LagSeconds)
	}
}
