package projector

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"ticketing/command/eventstore"
	"ticketing/internal/announce"
	"ticketing/projector/db"
)

// DeadLetter is a domain event that can't be applied, and the stream that waits behind it.
type DeadLetter = db.ProjectionDeadLetter

// DeadLetters answers the dead letters of a projection, oldest first.
func DeadLetters(ctx context.Context, cfg Config, projection string) ([]DeadLetter, error) {
	if _, err := find(projection); err != nil {
		return nil, err
	}
	letters, err := db.New(cfg.Read).DeadLetters(ctx, projection)
	if err != nil {
		return nil, fmt.Errorf("projector: read dead letters: %w", err)
	}
	return letters, nil
}

// Replay tries the dead letters of a projection again, all of them or those of the streams, with everything that waits behind them.
// It answers how many streams go on now, and how many still wait.
func Replay(ctx context.Context, cfg Config, projection string, streams ...string) (replayed, left int, err error) {
	p, err := find(projection)
	if err != nil {
		return 0, 0, err
	}
	w, _, err := newWriter(ctx, cfg, p, newMetrics(nil))
	if err != nil {
		return 0, 0, err
	}
	return w.replayAll(ctx, streams)
}

func (w *writer) replayAll(ctx context.Context, streams []string) (replayed, left int, err error) {
	letters, err := db.New(w.read).DeadLetters(ctx, w.projection.Name())
	if err != nil {
		return 0, 0, fmt.Errorf("projector: read dead letters: %w", err)
	}
	for _, letter := range letters {
		if len(streams) > 0 && !slices.Contains(streams, letter.StreamID) {
			continue
		}
		revived, err := w.replay(ctx, letter.StreamID)
		if err != nil {
			return replayed, left, fmt.Errorf("projector: replay %s: %w", letter.StreamID, err)
		}
		if revived {
			replayed++
		} else {
			left++
		}
	}
	return replayed, left, nil
}

// replay reads the stream on from the log, under the lock of its dead letter: records that come meanwhile wait for the outcome.
func (w *writer) replay(ctx context.Context, streamID string) (revived bool, err error) {
	var changes []announce.Change
	err = w.begin(ctx, func(tx pgx.Tx) error {
		changes, revived = nil, false
		q := db.New(tx)
		letter, err := q.LockDeadLetter(ctx, db.LockDeadLetterParams{Projection: w.projection.Name(), StreamID: streamID})
		if errors.Is(err, pgx.ErrNoRows) {
			revived = true // somebody was faster
			return nil
		}
		if err != nil {
			return err
		}
		failed, last, err := w.replayFrom(ctx, tx, streamID, letter.Version-1)
		if err != nil {
			return err
		}
		if failed != nil {
			return w.saveDeadLetters(ctx, q, []RecordError{*failed}, nil, nil)
		}
		revived, changes = true, last
		return q.DeleteDeadLetter(ctx, db.DeleteDeadLetterParams{Projection: w.projection.Name(), StreamID: streamID})
	})
	if err == nil {
		w.announcer.announce(changes)
	}
	return revived, err
}

// replayFrom applies what the log has of the stream behind a version, up to the first that still can't be applied.
func (w *writer) replayFrom(ctx context.Context, tx pgx.Tx, streamID string, after int64) (*RecordError, []announce.Change, error) {
	const page = 500
	var last []announce.Change
	for {
		recorded, err := eventstore.ReadStream(ctx, w.events, streamID, after, page)
		if err != nil || len(recorded) == 0 {
			return nil, last, err
		}
		for _, one := range recorded {
			r := newRecord(w.registry, one)
			changes, err := w.applyAlone(ctx, tx, &r)
			var failed *RecordError
			switch {
			case errors.As(err, &failed):
				return failed, last, nil
			case isDataError(err):
				return r.fail(err), last, nil
			case err != nil:
				return nil, nil, err
			case len(changes) > 0:
				last = changes
			}
			after = r.Version
		}
	}
}
