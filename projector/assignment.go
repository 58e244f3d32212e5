package projector

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/internal/cloudevents"
	"ticketing/internal/wait"
	"ticketing/projector/db"
)

// partitionID names a partition.
type partitionID struct {
	topic string
	index int32
}

// assigned is what is known of a partition that is ours.
type assigned struct {
	db.ProjectionCheckpoint
	verified bool  // the record before NextOffset is the one that we read there
	refills  int64 // how often the relay had filled it again when it became ours
}

// assignment is the partitions that the group has given to this member. The broker client calls begin and end from goroutines of
// its own.
type assignment struct {
	runner     *runner
	generation int64

	mu         sync.Mutex
	partitions map[partitionID]assigned
}

func newAssignment(r *runner, generation int64) *assignment {
	return &assignment{runner: r, generation: generation, partitions: map[partitionID]assigned{}}
}

// begin answers where to read partitions from: one record before the checkpoint, to see whether it is still the same.
func (a *assignment) begin(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	for retry := shortestRetry; ; retry = min(2*retry, longestRetry) {
		begun, err := a.load(ctx, offsets)
		if err == nil {
			return begun, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		a.runner.log.Warn("checkpoints can't be read; trying again", "error", err)
		_ = wait.For(ctx, retry)
	}
}

func (a *assignment) load(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	// First how often partitions were filled again: a refill after this moment shows as a difference, one before it at the tail.
	published, err := readPublished(ctx, a.runner.cfg.Events)
	if err != nil {
		return nil, err
	}
	checkpoints, err := a.checkpoints(ctx, offsets)
	if err != nil {
		return nil, err
	}
	begun := map[string]map[int32]kgo.Offset{}
	a.mu.Lock()
	defer a.mu.Unlock()
	for topic, partitions := range offsets {
		begun[topic] = map[int32]kgo.Offset{}
		for index := range partitions {
			id := partitionID{topic, index}
			c := checkpoints[id]
			a.partitions[id] = assigned{
				ProjectionCheckpoint: c, verified: c.NextOffset == 0, refills: published.refills[id],
			}
			begun[topic][index] = kgo.NewOffset().At(max(0, c.NextOffset-1))
		}
	}
	return begun, nil
}

func (a *assignment) checkpoints(
	ctx context.Context, offsets map[string]map[int32]kgo.Offset,
) (map[partitionID]db.ProjectionCheckpoint, error) {
	add := db.AddCheckpointsParams{Projection: a.runner.projection.Name(), Generation: a.generation}
	for topic, partitions := range offsets {
		for index := range partitions {
			add.Topics, add.Partitions = append(add.Topics, topic), append(add.Partitions, index)
		}
	}
	q := db.New(a.runner.cfg.Read)
	if err := q.AddCheckpoints(ctx, add); err != nil {
		return nil, fmt.Errorf("projector: add checkpoints: %w", err)
	}
	rows, err := q.Checkpoints(ctx, a.runner.projection.Name())
	if err != nil {
		return nil, fmt.Errorf("projector: read checkpoints: %w", err)
	}
	checkpoints := make(map[partitionID]db.ProjectionCheckpoint, len(rows))
	for _, row := range rows {
		checkpoints[partitionID{row.Topic, row.Partition}] = row
	}
	return checkpoints, nil
}

// end forgets partitions that are no longer ours.
func (a *assignment) end(_ context.Context, _ *kgo.Client, gone map[string][]int32) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for topic, indexes := range gone {
		for _, index := range indexes {
			delete(a.partitions, partitionID{topic, index})
		}
	}
}

// verify answers the checkpoint of a partition, and whether the partition still is the one that was read up to there: the record
// read last must be the first to come now.
func (a *assignment) verify(id partitionID, offset int64, first cloudevents.Event) (db.ProjectionCheckpoint, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.partitions[id]
	if p.verified {
		return p.ProjectionCheckpoint, true
	}
	p.verified = offset == p.NextOffset-1 && first.Position == p.Position && first.Incarnation == p.Incarnation
	a.partitions[id] = p
	return p.ProjectionCheckpoint, p.verified
}

func (a *assignment) checkpoint(id partitionID) db.ProjectionCheckpoint {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.partitions[id].ProjectionCheckpoint
}

func (a *assignment) all() map[partitionID]assigned {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.partitions)
}

// moved notes what was committed.
func (a *assignment) moved(marks []mark) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, m := range marks {
		if p, ours := a.partitions[m.partitionID]; ours {
			p.NextOffset, p.Position, p.Incarnation = m.next, m.position, m.incarnation
			a.partitions[m.partitionID] = p
		}
	}
}
