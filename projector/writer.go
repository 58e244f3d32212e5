package projector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/command/eventstore"
	"ticketing/internal/announce"
	"ticketing/projector/db"
)

var (
	// errFenced says that somebody else has written what we were about to, or that the tables were switched.
	errFenced = errors.New("projector: another member or another generation has taken over")
	// errIncarnation says that the log is another one than the tables were filled from.
	errIncarnation = errors.New("projector: the log has a new incarnation")
)

// writer writes batches of one projection into one generation of its tables.
type writer struct {
	projection  Projection
	read        *pgxpool.Pool
	events      *pgxpool.Pool
	registry    *eventstore.Registry
	generation  int64
	incarnation string
	announcer   *announcer
	metrics     *metrics
	log         *slog.Logger
	// guard begins every transaction: it makes sure that the tables are those of this generation.
	guard func(ctx context.Context, tx pgx.Tx) error
	// within is the transaction that all of this is a part of, nil for transactions of its own.
	within pgx.Tx
}

// begin runs work in a guarded transaction.
func (w *writer) begin(ctx context.Context, work func(pgx.Tx) error) error {
	var place beginner = w.read
	if w.within != nil {
		place = w.within
	}
	return transact(ctx, place, func(tx pgx.Tx) error {
		if err := db.New(tx).Enter(ctx, w.projection.Name()); err != nil {
			return fmt.Errorf("projector: enter: %w", err)
		}
		if err := w.guard(ctx, tx); err != nil {
			return err
		}
		return work(tx)
	})
}

// fence is the guard of live tables.
func (w *writer) fence(ctx context.Context, tx pgx.Tx) error {
	generation, err := db.New(tx).Generation(ctx, w.projection.Name())
	if errors.Is(err, pgx.ErrNoRows) || (err == nil && generation != w.generation) {
		return errFenced
	}
	if err != nil {
		return fmt.Errorf("projector: fence: %w", err)
	}
	return nil
}

// write commits the batch, with gaps closed from the log and records that can't be applied put aside, or answers a fault that
// passes. Each round through the loop closes a gap or puts a record aside.
func (w *writer) write(ctx context.Context, b batch) error {
	aside := map[string]*RecordError{}
	for {
		changes, err := w.try(ctx, b, aside)
		var gap *GapError
		var failed *RecordError
		switch {
		case err == nil:
			w.announcer.announce(changes)
			return nil
		case errors.As(err, &gap):
			missing, err := w.catchUp(ctx, gap)
			if err != nil {
				return err
			}
			b.missing(missing, gap, aside)
		case errors.As(err, &failed):
			aside[failed.StreamID] = failed
		case isDataError(err):
			failed, err := w.findCulprit(ctx, b.records, aside, err)
			if err != nil {
				return err
			}
			aside[failed.StreamID] = failed
		default:
			return err
		}
	}
}

// try writes all of the batch in one transaction, without the records that are aside and those of their streams behind them.
func (w *writer) try(ctx context.Context, b batch, aside map[string]*RecordError) (changes []announce.Change, err error) {
	err = w.begin(ctx, func(tx pgx.Tx) error {
		q := db.New(tx)
		free, waiting, err := w.sortOut(ctx, q, b.records, aside)
		if err != nil {
			return err
		}
		if len(free) > 0 {
			if changes, err = w.projection.Apply(ctx, tx, free); err != nil {
				return err
			}
		}
		if err := w.saveDeadLetters(ctx, q, b.foreign, aside, waiting); err != nil {
			return err
		}
		if b.along != nil {
			return b.along(ctx, q)
		}
		return w.moveCheckpoints(ctx, q, b.marks)
	})
	if err != nil {
		return nil, err
	}
	w.noteDeadLetters(len(b.foreign), aside)
	return changes, nil
}

func (w *writer) moveCheckpoints(ctx context.Context, q *db.Queries, marks []mark) error {
	if len(marks) == 0 {
		return nil
	}
	moved, err := q.MoveCheckpoints(ctx, db.MoveCheckpointsParams{
		Projection:   w.projection.Name(),
		Generation:   w.generation,
		Topics:       column(marks, func(m mark) string { return m.topic }),
		Partitions:   column(marks, func(m mark) int32 { return m.index }),
		Expected:     column(marks, func(m mark) int64 { return m.expected }),
		NextOffsets:  column(marks, func(m mark) int64 { return m.next }),
		Positions:    column(marks, func(m mark) int64 { return m.position }),
		Incarnations: column(marks, func(m mark) string { return m.incarnation }),
	})
	if err != nil {
		return fmt.Errorf("projector: move checkpoints: %w", err)
	}
	if moved != int64(len(marks)) {
		return errFenced
	}
	return nil
}
