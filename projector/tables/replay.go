package tables

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"ticketing/internal/announce"
	"ticketing/projector/db"
	"ticketing/projector/projection"
)

// Replay tries dead letters again, with everything that waits behind them: all of the projection, or those of the named streams. It
// returns how many streams continue now and how many still wait.
func (w *Writer) Replay(ctx context.Context, streams ...string) (replayed, left int, err error) {
	letters, err := DeadLetters(ctx, w.Read, w.Projection.Name())
	if err != nil {
		return 0, 0, err
	}
	for _, letter := range letters {
		if len(streams) > 0 && !slices.Contains(streams, letter.StreamID) {
			continue
		}
		revived, err := w.replayStream(ctx, letter.StreamID)
		if err != nil {
			return replayed, left, fmt.Errorf("replay %s: %w", letter.StreamID, err)
		}
		if revived {
			replayed++
		} else {
			left++
		}
	}
	return replayed, left, nil
}

// replayStream reads the stream on from the log, under the lock of its dead letter: records that come meanwhile wait for the outcome.
func (w *Writer) replayStream(ctx context.Context, streamID string) (revived bool, err error) {
	var changes []announce.Change
	var bulky []string
	err = w.transact(ctx, func(tx pgx.Tx) error {
		changes, bulky, revived = nil, nil, false
		q := db.New(tx)
		letter, err := q.LockDeadLetter(ctx, db.LockDeadLetterParams{Projection: w.Projection.Name(), StreamID: streamID})
		if errors.Is(err, pgx.ErrNoRows) {
			revived = true // by another process
			return nil
		}
		if err != nil {
			return err
		}
		changes, bulky, err = w.replayAfter(ctx, tx, streamID, letter.Version-1)
		if failed, ok := errors.AsType[*projection.RecordError](err); ok {
			return w.saveDeadLetters(ctx, q, []projection.RecordError{*failed}, nil, nil)
		}
		if err != nil {
			return err
		}
		if err := w.addBacklog(ctx, q, bulky); err != nil {
			return err
		}
		revived = true
		return q.DeleteDeadLetter(ctx, db.DeleteDeadLetterParams{Projection: w.Projection.Name(), StreamID: streamID})
	})
	if err == nil {
		w.Announce(ctx, changes)
		w.announceBacklog(bulky)
	}
	return revived, err
}

// replayAfter applies the domain events of the stream after a version, up to the first that still can't be applied, or that makes so many
// rows that the stream has to go to the backlog.
func (w *Writer) replayAfter(ctx context.Context, tx pgx.Tx, streamID string, after int64) (last []announce.Change, bulky []string, err error) {
	for {
		records, err := w.readOn(ctx, streamID, after, backlogPage)
		if err != nil || len(records) == 0 {
			return last, nil, err
		}
		if projection.CountRows(w.Projection, &records[0]) > partRows {
			return last, []string{streamID}, nil
		}
		records = records[:projection.CutRows(w.Projection, records, mostRows)]
		changes, err := w.applyTogether(ctx, tx, records)
		if len(changes) > 0 {
			last = changes
		}
		if err != nil {
			return last, nil, err
		}
		after = records[len(records)-1].Version
	}
}
