package tables

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"ticketing/internal/announce"
	"ticketing/internal/text"
	"ticketing/projector/db"
	"ticketing/projector/projection"
)

// DeadLetter is a domain event that can't be applied, and how far its stream has gone since.
type DeadLetter = db.ProjectionDeadLetter

// DeadLetters returns the dead letters of a projection, oldest first.
func DeadLetters(ctx context.Context, read db.DBTX, name string) ([]DeadLetter, error) {
	letters, err := db.New(read).DeadLetters(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("read dead letters of %s: %w", name, err)
	}
	return letters, nil
}

// deadLetters are the records of a batch that can't be applied, by stream: the first of each.
type deadLetters map[string]*projection.RecordError

// splitWaiting separates the records that can be applied from those whose streams wait behind a dead letter. waiting holds the newest
// version that waits, by stream.
func (w *Writer) splitWaiting(
	ctx context.Context, q *db.Queries, records []projection.Record, dead deadLetters,
) (free []projection.Record, waiting map[string]int64, err error) {
	if len(records) == 0 {
		return nil, nil, nil
	}
	known, err := q.LockDeadLetters(ctx, db.LockDeadLettersParams{
		Projection: w.Projection.Name(), StreamIds: projection.Streams(records),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("lock dead letters: %w", err)
	}
	if len(known) == 0 && len(dead) == 0 {
		return records, nil, nil
	}
	blocked := make(map[string]bool, len(known))
	for _, streamID := range known {
		blocked[streamID] = true
	}
	waiting = map[string]int64{}
	for i := range records {
		r := &records[i]
		failed := dead[r.StreamID]
		if blocked[r.StreamID] || (failed != nil && r.Version >= failed.Version) {
			waiting[r.StreamID] = max(waiting[r.StreamID], r.Version)
		} else {
			free = append(free, *r)
		}
	}
	return free, waiting, nil
}

const (
	// MostForeign is how many records that are no domain events the dead letters of a projection keep: enough to see what they are. Anyone who can
	// write to a topic can make any number of them.
	MostForeign = 1_000
	// longestError is how many bytes of an error are kept: it may repeat what a record says.
	longestError = 1_000
)

// keepForeign returns those of a batch's foreign records that there is room for.
func (w *Writer) keepForeign(ctx context.Context, q *db.Queries, foreign []projection.RecordError) ([]projection.RecordError, error) {
	if len(foreign) == 0 {
		return nil, nil
	}
	kept, err := q.CountForeign(ctx, w.Projection.Name())
	if err != nil {
		return nil, fmt.Errorf("count foreign records: %w", err)
	}
	return foreign[:min(len(foreign), max(0, MostForeign-int(kept)))], nil
}

func (w *Writer) saveDeadLetters(
	ctx context.Context, q *db.Queries, foreign []projection.RecordError, dead deadLetters, waiting map[string]int64,
) error {
	all := slices.Clone(foreign)
	for _, failed := range dead {
		all = append(all, *failed)
	}
	if len(all) > 0 {
		err := q.AddDeadLetters(ctx, db.AddDeadLettersParams{
			Projection: w.Projection.Name(),
			StreamIds:  projection.Column(all, func(e projection.RecordError) string { return e.StreamID }),
			Versions:   projection.Column(all, func(e projection.RecordError) int64 { return e.Version }),
			Positions:  projection.Column(all, func(e projection.RecordError) int64 { return e.Position }),
			Types:      projection.Column(all, func(e projection.RecordError) string { return e.Type }),
			Errors:     projection.Column(all, func(e projection.RecordError) string { return text.Shorten(e.Err.Error(), longestError) }),
		})
		if err != nil {
			return fmt.Errorf("add dead letters: %w", err)
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	behind := db.WaitBehindDeadLettersParams{Projection: w.Projection.Name()}
	for streamID, version := range waiting {
		behind.StreamIds, behind.Versions = append(behind.StreamIds, streamID), append(behind.Versions, version)
	}
	if err := q.WaitBehindDeadLetters(ctx, behind); err != nil {
		return fmt.Errorf("wait behind dead letters: %w", err)
	}
	return nil
}

// reportDeadLetters counts and logs what a commit has added to the dead letters, and counts what it has left out.
func (w *Writer) reportDeadLetters(foreign, kept int, dead deadLetters) {
	w.metrics.deadLettered.WithLabelValues(w.Projection.Name()).Add(float64(foreign + len(dead)))
	w.metrics.notKept.WithLabelValues(w.Projection.Name()).Add(float64(foreign - kept))
	if kept > 0 {
		w.Logger.Error("records that are no domain events went to the dead letters", "count", foreign, "kept", kept)
	}
	for _, failed := range dead {
		w.Logger.Error("a domain event can't be applied and went to the dead letters; its stream waits",
			"stream", failed.StreamID, "version", failed.Version, "type", failed.Type, "error", failed.Err)
	}
}

// isDataError reports whether the database refused a value or a constraint: some record is at fault, not the moment.
func isDataError(err error) bool {
	const dataException, integrityViolation = "22", "23"
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (refused.Code[:2] == dataException || refused.Code[:2] == integrityViolation)
}

// findRefused finds the record that the database refuses, by applying the records one by one and rolling back. It returns cause if the
// database accepts each of them alone.
func (w *Writer) findRefused(
	ctx context.Context, records []projection.Record, dead deadLetters, cause error,
) (refused *projection.RecordError, err error) {
	err = w.transact(ctx, func(tx pgx.Tx) error {
		free, _, err := w.splitWaiting(ctx, db.New(tx), records, dead)
		if err != nil {
			return err
		}
		if free, _, err = w.splitBulky(ctx, tx, free); err != nil {
			return err
		}
		for i := range free {
			_, err := w.applyAlone(ctx, tx, free[i])
			if isDataError(err) {
				refused = free[i].Fail(err)
				return refused
			}
			if err != nil {
				return err
			}
		}
		return cause // an error, so that the transaction is rolled back
	})
	if refused != nil {
		return refused, nil
	}
	return nil, err
}

// applyAlone applies records, or leaves the transaction as it was.
func (w *Writer) applyAlone(ctx context.Context, tx pgx.Tx, records ...projection.Record) (changes []announce.Change, err error) {
	err = pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
		changes, err = w.Projection.Apply(ctx, tx, records)
		return err
	})
	return changes, err
}
