package tables

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"ticketing/command/eventstore"
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
	err = w.transact(ctx, func(tx pgx.Tx) error {
		changes, revived = nil, false
		q := db.New(tx)
		letter, err := q.LockDeadLetter(ctx, db.LockDeadLetterParams{Projection: w.Projection.Name(), StreamID: streamID})
		if errors.Is(err, pgx.ErrNoRows) {
			revived = true // by another process
			return nil
		}
		if err != nil {
			return err
		}
		failed, last, err := w.replayAfter(ctx, tx, streamID, letter.Version-1)
		if err != nil {
			return err
		}
		if failed != nil {
			return w.saveDeadLetters(ctx, q, []projection.RecordError{*failed}, nil, nil)
		}
		revived, changes = true, last
		return q.DeleteDeadLetter(ctx, db.DeleteDeadLetterParams{Projection: w.Projection.Name(), StreamID: streamID})
	})
	if err == nil {
		w.Announce(changes)
	}
	return revived, err
}

// replayAfter applies the domain events of the stream after a version, up to the first that still can't be applied.
func (w *Writer) replayAfter(ctx context.Context, tx pgx.Tx, streamID string, after int64) (*projection.RecordError, []announce.Change, error) {
	const page = 500
	var last []announce.Change
	for {
		recorded, err := eventstore.ReadStream(ctx, w.Events, streamID, after, page)
		if err != nil || len(recorded) == 0 {
			return nil, last, err
		}
		for _, one := range recorded {
			r := projection.Decode(w.Registry, one)
			changes, err := w.applyAlone(ctx, tx, &r)
			if failed, ok := errors.AsType[*projection.RecordError](err); ok {
				return failed, last, nil
			}
			switch {
			case isDataError(err):
				return r.Fail(err), last, nil
			case err != nil:
				return nil, nil, err
			case len(changes) > 0:
				last = changes
			}
			after = r.Version
		}
	}
}
