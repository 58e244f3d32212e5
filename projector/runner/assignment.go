package runner

import (
	"context"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/command/relay/progress"
	"ticketing/internal/cloudevents"
	"ticketing/internal/supervise"
	"ticketing/internal/wait"
	"ticketing/projector/db"
	"ticketing/projector/tables"
)

// assigned is what is known of a partition of this member.
type assigned struct {
	db.ProjectionCheckpoint

	verified bool  // the record before NextOffset is the one that was read there
	refills  int64 // how often the relay had filled the partition again when it was assigned
}

// beginAt returns the offset to read the partition from.
func (p assigned) beginAt() int64 {
	if p.verified {
		return p.NextOffset
	}
	return p.NextOffset - 1
}

// assignment is the partitions that the group has given to this member. The broker client calls begin and end from its own goroutines.
type assignment struct {
	runner     *runner
	generation int64

	mu         sync.Mutex
	partitions map[progress.PartitionID]assigned
}

func newAssignment(r *runner, generation int64) *assignment {
	return &assignment{runner: r, generation: generation, partitions: map[progress.PartitionID]assigned{}}
}

// begin returns the offsets to read partitions from: one record before the checkpoint, to verify that it is still the same.
func (a *assignment) begin(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	fault := supervise.NewFault("reading checkpoints", a.runner.log)
	for retry := shortestRetry; ; retry = min(2*retry, longestRetry) {
		begun, err := a.loadPartitions(ctx, offsets)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		fault.Note(ctx, err)
		if err == nil {
			return begun, nil
		}
		_ = wait.For(ctx, retry)
	}
}

func (a *assignment) loadPartitions(
	ctx context.Context, offsets map[string]map[int32]kgo.Offset,
) (map[string]map[int32]kgo.Offset, error) {
	// Refills are read first: a later one is seen as a difference, an earlier one at the record before the checkpoint.
	published, err := readPublished(ctx, a.runner.Tables.Events)
	if err != nil {
		return nil, err
	}
	checkpoints, err := a.loadCheckpoints(ctx, offsets)
	if err != nil {
		return nil, err
	}
	begun := map[string]map[int32]kgo.Offset{}
	a.mu.Lock()
	defer a.mu.Unlock()
	for topic, partitions := range offsets {
		begun[topic] = map[int32]kgo.Offset{}
		for index := range partitions {
			id := progress.PartitionID{Topic: topic, Index: index}
			c := checkpoints[id]
			p := assigned{ProjectionCheckpoint: c, verified: c.NextOffset == 0 || c.Position == nothingRead, refills: published.refills[id]}
			a.partitions[id] = p
			begun[topic][index] = kgo.NewOffset().At(p.beginAt())
		}
	}
	return begun, nil
}

func (a *assignment) loadCheckpoints(
	ctx context.Context, offsets map[string]map[int32]kgo.Offset,
) (map[progress.PartitionID]db.ProjectionCheckpoint, error) {
	add := db.AddCheckpointsParams{Projection: a.runner.projection.Name(), Generation: a.generation}
	for topic, partitions := range offsets {
		for index := range partitions {
			add.Topics, add.Partitions = append(add.Topics, topic), append(add.Partitions, index)
		}
	}
	q := db.New(a.runner.Tables.Read)
	if err := q.AddCheckpoints(ctx, add); err != nil {
		return nil, fmt.Errorf("add checkpoints: %w", err)
	}
	rows, err := q.Checkpoints(ctx, add.Projection)
	if err != nil {
		return nil, fmt.Errorf("read checkpoints: %w", err)
	}
	checkpoints := make(map[progress.PartitionID]db.ProjectionCheckpoint, len(rows))
	for _, row := range rows {
		checkpoints[progress.PartitionID{Topic: row.Topic, Index: row.Partition}] = row
	}
	return checkpoints, nil
}

// end forgets partitions that this member has lost.
func (a *assignment) end(_ context.Context, _ *kgo.Client, lost map[string][]int32) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for topic, indexes := range lost {
		for _, index := range indexes {
			delete(a.partitions, progress.PartitionID{Topic: topic, Index: index})
		}
	}
}

// verify returns the checkpoint of a partition, and reports whether the partition is still the one that was read up to there: the first
// record that comes now must be the one that was read last or, if the broker has deleted just that, a later one of the log.
func (a *assignment) verify(id progress.PartitionID, offset int64, first cloudevents.Event) (db.ProjectionCheckpoint, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.partitions[id]
	if p.verified {
		return p.ProjectionCheckpoint, true
	}
	same := offset == p.NextOffset-1 && first.Position == p.Position
	next := offset == p.NextOffset && first.Position > p.Position
	p.verified = first.Incarnation == p.Incarnation && (same || next)
	a.partitions[id] = p
	return p.ProjectionCheckpoint, p.verified
}

func (a *assignment) checkpoint(id progress.PartitionID) db.ProjectionCheckpoint {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.partitions[id].ProjectionCheckpoint
}

// refilled returns the partitions that the relay has filled again since they were assigned.
func (a *assignment) refilled(refills map[progress.PartitionID]int64) []progress.PartitionID {
	a.mu.Lock()
	defer a.mu.Unlock()
	var ids []progress.PartitionID
	for id, p := range a.partitions {
		if p.refills != refills[id] {
			ids = append(ids, id)
		}
	}
	return ids
}

// moveCheckpoints notes what was committed.
func (a *assignment) moveCheckpoints(marks []tables.Mark) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, m := range marks {
		if p, ok := a.partitions[m.PartitionID]; ok {
			p.NextOffset, p.Position, p.Incarnation = m.Next, m.Position, m.Incarnation
			a.partitions[m.PartitionID] = p
		}
	}
}
