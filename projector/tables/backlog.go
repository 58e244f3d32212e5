package tables

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"ticketing/command/eventstore"
	"ticketing/internal/announce"
	"ticketing/projector/db"
	"ticketing/projector/projection"
)

const (
	partRows    = 5_000 // rows of one record written in a transaction: a fraction of a second, for which records of the stream wait
	backlogPage = 500   // records of a stream read at a time
	// backlogPoll is how often the backlog is looked at: another process may have added to it.
	backlogPoll = time.Second
)

// WorkBacklog writes what the streams of the backlog lack, part by part, until ctx ends or a fault.
func (w *Writer) WorkBacklog(ctx context.Context) error {
	if _, ok := w.Projection.(projection.Bulky); !ok {
		return nil
	}
	poll := time.NewTicker(backlogPoll)
	defer poll.Stop()
	for ctx.Err() == nil {
		worked, err := w.WriteNextPart(ctx)
		if err != nil {
			return fmt.Errorf("work on the backlog: %w", err)
		}
		if worked {
			continue
		}
		select {
		case <-w.added:
		case <-poll.C:
		case <-ctx.Done():
		}
	}
	return nil
}

// WriteNextPart writes the next part of the stream in the backlog that has the fewest rows written, and reports whether there was one.
func (w *Writer) WriteNextPart(ctx context.Context) (worked bool, err error) {
	var changes []announce.Change
	var failed *projection.RecordError
	err = w.transact(ctx, func(tx pgx.Tx) error {
		worked, changes, failed = false, nil, nil
		q := db.New(tx)
		row, err := q.LockBacklog(ctx, w.Projection.Name())
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("lock the backlog: %w", err)
		}
		worked = true
		changes, err = w.continueStream(ctx, tx, row)
		if failed, _ = errors.AsType[*projection.RecordError](err); failed != nil {
			return w.endInDeadLetter(ctx, q, failed)
		}
		return err
	})
	if err != nil {
		return false, err
	}
	w.Announce(ctx, changes)
	if failed != nil {
		w.reportDeadLetters(0, 0, deadLetters{failed.StreamID: failed})
	}
	return worked, nil
}

func (w *Writer) endInDeadLetter(ctx context.Context, q *db.Queries, failed *projection.RecordError) error {
	if err := w.deleteBacklog(ctx, q, failed.StreamID); err != nil {
		return err
	}
	return w.saveDeadLetters(ctx, q, []projection.RecordError{*failed}, nil, nil)
}

func (w *Writer) deleteBacklog(ctx context.Context, q *db.Queries, streamID string) error {
	if err := q.DeleteBacklog(ctx, db.DeleteBacklogParams{Projection: w.Projection.Name(), StreamID: streamID}); err != nil {
		return fmt.Errorf("delete from the backlog: %w", err)
	}
	return nil
}

// continueStream reads the stream on from its row's version: records that make few rows are applied, one that makes many is written in
// parts. A stream without more records leaves the backlog.
func (w *Writer) continueStream(ctx context.Context, tx pgx.Tx, row db.ProjectionBacklog) ([]announce.Change, error) {
	bulky := w.Projection.(projection.Bulky) //nolint:forcetypeassert // no other projection has a backlog
	version, err := bulky.StreamVersion(ctx, tx, row.StreamID)
	if err != nil {
		return nil, err
	}
	records, err := w.readOn(ctx, row.StreamID, version, backlogPage)
	if err != nil {
		return nil, err
	}
	switch {
	case len(records) == 0:
		return nil, w.deleteBacklog(ctx, db.New(tx), row.StreamID)
	case bulky.CountRows(&records[0]) > partRows:
		return w.writePart(ctx, tx, bulky, row, &records[0])
	}
	return w.applyTogether(ctx, tx, records[:projection.CutRows(bulky, records, mostRows)])
}

// readOn returns records of a stream after a version, decoded.
func (w *Writer) readOn(ctx context.Context, streamID string, after int64, limit int) ([]projection.Record, error) {
	recorded, err := eventstore.ReadStream(ctx, w.Events, streamID, after, limit)
	if err != nil {
		return nil, err
	}
	return projection.Column(recorded, func(r eventstore.Recorded) projection.Record { return projection.Decode(w.Registry, r) }), nil
}

// writePart writes the next rows of a record, and then the record itself.
func (w *Writer) writePart(
	ctx context.Context, tx pgx.Tx, bulky projection.Bulky, row db.ProjectionBacklog, r *projection.Record,
) (changes []announce.Change, err error) {
	from, all := 0, bulky.CountRows(r)
	if row.Version == r.Version {
		from = int(row.RowsWritten)
	}
	move := db.MoveBacklogParams{Projection: bulky.Name(), StreamID: row.StreamID}
	err = pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error {
		if from >= all {
			changes, err = bulky.ApplyRest(ctx, tx, r)
			return err
		}
		to := min(from+partRows, all)
		move.Version, move.RowsWritten = r.Version, int32(to) //nolint:gosec // bounded by the aggregate
		return bulky.WriteRows(ctx, tx, r, from, to)
	})
	if isDataError(err) {
		return nil, r.Fail(err)
	}
	if err != nil {
		return nil, err
	}
	if err := db.New(tx).MoveBacklog(ctx, move); err != nil {
		return nil, fmt.Errorf("move the backlog: %w", err)
	}
	return changes, nil
}

// applyTogether applies records of one stream, one by one only if that fails. It keeps those before one that can't be applied, whose error
// is a *projection.RecordError.
func (w *Writer) applyTogether(ctx context.Context, tx pgx.Tx, records []projection.Record) (last []announce.Change, err error) {
	last, err = w.applyAlone(ctx, tx, records...)
	if err == nil || !isRecordFault(err) {
		return last, err
	}
	last = nil
	for i := range records {
		changes, err := w.applyAlone(ctx, tx, records[i])
		if isDataError(err) {
			err = records[i].Fail(err)
		}
		if err != nil {
			return last, err
		}
		if len(changes) > 0 {
			last = changes
		}
	}
	return last, nil
}

// isRecordFault reports whether some record is at fault, not the moment.
func isRecordFault(err error) bool {
	_, failed := errors.AsType[*projection.RecordError](err)
	return failed || isDataError(err)
}
