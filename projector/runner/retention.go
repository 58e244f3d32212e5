package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"ticketing/command/relay/progress"
	"ticketing/projector/db"
	"ticketing/projector/tables"
)

// nothingRead is the position of a checkpoint before which nothing was read, because the broker had deleted it.
const nothingRead = -1

// incompletePoll is how often it is checked whether the tables are incomplete.
const incompletePoll = 2 * time.Second

// errReplaced says that the tables were filled from the log and replaced.
var errReplaced = errors.New("the tables were incomplete and have been filled from the log")

// checkStarts moves the checkpoints of partitions whose next records the broker has deleted to what is left, and marks the tables as
// incomplete: streams that nothing happens to would lack what was deleted for ever.
func (s *session) checkStarts(ctx context.Context) error {
	starts, err := s.readStarts(ctx)
	if err != nil {
		return err
	}
	add := db.AddCheckpointsParams{Projection: s.projection.Name(), Generation: s.writer.Generation()}
	for id := range starts {
		add.Topics, add.Partitions = append(add.Topics, id.Topic), append(add.Partitions, id.Index)
	}
	q := db.New(s.Tables.Read)
	if err := q.AddCheckpoints(ctx, add); err != nil {
		return fmt.Errorf("add checkpoints: %w", err)
	}
	checkpoints, err := q.Checkpoints(ctx, s.projection.Name())
	if err != nil {
		return fmt.Errorf("read checkpoints: %w", err)
	}
	var marks []tables.Mark
	for _, c := range checkpoints {
		id := progress.PartitionID{Topic: c.Topic, Index: c.Partition}
		if c.NextOffset < starts[id] {
			marks = append(marks, tables.Mark{PartitionID: id, Expected: c.NextOffset, Next: starts[id], Position: nothingRead})
		}
	}
	if len(marks) == 0 {
		return nil
	}
	if err := s.markIncomplete(ctx, marks[0].PartitionID, marks[0].Expected); err != nil {
		return err
	}
	return s.writer.Write(ctx, tables.Batch{Marks: marks})
}

// checkSkipped marks the tables as incomplete if the broker has deleted records of a partition from an offset on.
func (s *session) checkSkipped(ctx context.Context, id progress.PartitionID, offset int64) error {
	starts, err := s.readStarts(ctx)
	if err != nil || starts[id] <= offset {
		return err
	}
	return s.markIncomplete(ctx, id, offset)
}

// readStarts returns the offsets at which partitions start that have lost records.
func (s *session) readStarts(ctx context.Context) (map[progress.PartitionID]int64, error) {
	listed, err := kadm.NewClient(s.client).ListStartOffsets(ctx, s.topics...)
	if err != nil {
		return nil, fmt.Errorf("list where partitions start: %w", err)
	}
	starts := map[progress.PartitionID]int64{}
	listed.Each(func(o kadm.ListedOffset) {
		if o.Err == nil && o.Offset > 0 { // a topic that is not there yet has lost nothing
			starts[progress.PartitionID{Topic: o.Topic, Index: o.Partition}] = o.Offset
		}
	})
	return starts, nil
}

func (s *session) markIncomplete(ctx context.Context, id progress.PartitionID, offset int64) error {
	s.log.Warn("the broker has deleted records before they were read: the tables are filled from the log, beside what is new",
		"topic", id.Topic, "partition", id.Index, "offset", offset)
	err := db.New(s.Tables.Read).MarkIncomplete(ctx, db.MarkIncompleteParams{Name: s.projection.Name(), Generation: s.writer.Generation()})
	if err != nil {
		return fmt.Errorf("mark the tables as incomplete: %w", err)
	}
	return nil
}

// fillIncomplete fills incomplete tables from the log, beside the live ones. It returns an error when they are replaced.
func (s *session) fillIncomplete(ctx context.Context) error {
	poll := time.NewTicker(incompletePoll)
	defer poll.Stop()
	for {
		now, err := db.New(s.Tables.Read).Projection(ctx, s.projection.Name())
		if err != nil {
			return fmt.Errorf("read whether the tables are complete: %w", err)
		}
		if now.Incomplete {
			replaced, err := s.repairTables(ctx, s.writer)
			if err != nil {
				return err
			}
			if replaced {
				return errReplaced
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-poll.C:
		}
	}
}
