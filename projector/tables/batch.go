package tables

import (
	"context"
	"fmt"

	"ticketing/command/relay/progress"
	"ticketing/projector/db"
	"ticketing/projector/projection"
)

// Batch is what is written in one transaction: records, and how far they move the checkpoints.
type Batch struct {
	Records []projection.Record
	Foreign []projection.RecordError // records of a topic that are no domain events
	Marks   []Mark
	// Along runs in the batch's transaction instead of moving checkpoints, unless it is nil.
	Along func(context.Context, *db.Queries) error
}

// Empty reports whether there is nothing to write.
func (b *Batch) Empty() bool { return len(b.Records) == 0 && len(b.Foreign) == 0 && len(b.Marks) == 0 }

// Mark moves the checkpoint of a partition from the offset that it is expected to have.
type Mark struct {
	progress.PartitionID

	Expected    int64
	Next        int64
	Position    int64 // of the record before Next
	Incarnation string
}

func (w *Writer) moveCheckpoints(ctx context.Context, q *db.Queries, marks []Mark) error {
	if len(marks) == 0 {
		return nil
	}
	moved, err := q.MoveCheckpoints(ctx, db.MoveCheckpointsParams{
		Projection:   w.Projection.Name(),
		Generation:   w.generation,
		Topics:       projection.Column(marks, func(m Mark) string { return m.Topic }),
		Partitions:   projection.Column(marks, func(m Mark) int32 { return m.Index }),
		Expected:     projection.Column(marks, func(m Mark) int64 { return m.Expected }),
		NextOffsets:  projection.Column(marks, func(m Mark) int64 { return m.Next }),
		Positions:    projection.Column(marks, func(m Mark) int64 { return m.Position }),
		Incarnations: projection.Column(marks, func(m Mark) string { return m.Incarnation }),
	})
	if err != nil {
		return fmt.Errorf("move checkpoints: %w", err)
	}
	if moved != int64(len(marks)) {
		return projection.ErrFenced
	}
	return nil
}
