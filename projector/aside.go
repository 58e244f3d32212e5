package projector

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"ticketing/internal/announce"
	"ticketing/projector/db"
)

// sortOut parts the records that can be applied from those whose streams wait behind a dead letter. waiting is the newest version
// that waits, by stream.
func (w *writer) sortOut(
	ctx context.Context, q *db.Queries, records []Record, aside map[string]*RecordError,
) (free []Record, waiting map[string]int64, err error) {
	if len(records) == 0 {
		return nil, nil, nil
	}
	dead, err := q.LockDeadLetters(ctx, db.LockDeadLettersParams{Projection: w.projection.Name(), StreamIds: streams(records)})
	if err != nil {
		return nil, nil, fmt.Errorf("projector: read dead letters: %w", err)
	}
	if len(dead) == 0 && len(aside) == 0 {
		return records, nil, nil
	}
	blocked := make(map[string]bool, len(dead))
	for _, stream := range dead {
		blocked[stream] = true
	}
	waiting = map[string]int64{}
	for i := range records {
		r := &records[i]
		failed := aside[r.StreamID]
		if blocked[r.StreamID] || (failed != nil && r.Version >= failed.Version) {
			waiting[r.StreamID] = max(waiting[r.StreamID], r.Version)
		} else {
			free = append(free, *r)
		}
	}
	return free, waiting, nil
}

func (w *writer) saveDeadLetters(
	ctx context.Context, q *db.Queries, foreign []RecordError, aside map[string]*RecordError, waiting map[string]int64,
) error {
	dead := append([]RecordError(nil), foreign...)
	for _, failed := range aside {
		dead = append(dead, *failed)
	}
	if len(dead) > 0 {
		err := q.AddDeadLetters(ctx, db.AddDeadLettersParams{
			Projection: w.projection.Name(),
			StreamIds:  column(dead, func(e RecordError) string { return e.StreamID }),
			Versions:   column(dead, func(e RecordError) int64 { return e.Version }),
			Positions:  column(dead, func(e RecordError) int64 { return e.Position }),
			Types:      column(dead, func(e RecordError) string { return e.Type }),
			Errors:     column(dead, func(e RecordError) string { return e.Err.Error() }),
		})
		if err != nil {
			return fmt.Errorf("projector: add dead letters: %w", err)
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	behind := db.WaitBehindDeadLettersParams{Projection: w.projection.Name()}
	for stream, version := range waiting {
		behind.StreamIds, behind.Versions = append(behind.StreamIds, stream), append(behind.Versions, version)
	}
	if err := q.WaitBehindDeadLetters(ctx, behind); err != nil {
		return fmt.Errorf("projector: wait behind dead letters: %w", err)
	}
	return nil
}

func (w *writer) noteDeadLetters(foreign int, aside map[string]*RecordError) {
	w.metrics.deadLettered.WithLabelValues(w.projection.Name()).Add(float64(foreign + len(aside)))
	if foreign > 0 {
		w.log.Error("records that are no domain events went to the dead letters", "count", foreign)
	}
	for _, failed := range aside {
		w.log.Error("a domain event can't be applied and went to the dead letters; its stream waits",
			"stream", failed.StreamID, "version", failed.Version, "type", failed.Type, "error", failed.Err)
	}
}

// isDataError says that the database refused values or a constraint: the fault of some record, not of the moment.
func isDataError(err error) bool {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return false
	}
	const dataException, integrityViolation = "22", "23"
	return refused.Code[:2] == dataException || refused.Code[:2] == integrityViolation
}

// findCulprit finds which record the database refuses, by applying them one by one and taking everything back. cause is answered
// when alone each of them is accepted.
func (w *writer) findCulprit(
	ctx context.Context, records []Record, aside map[string]*RecordError, cause error,
) (*RecordError, error) {
	var culprit *RecordError
	err := w.begin(ctx, func(tx pgx.Tx) error {
		free, _, err := w.sortOut(ctx, db.New(tx), records, aside)
		if err != nil {
			return err
		}
		for i := range free {
			_, err := w.applyAlone(ctx, tx, &free[i])
			if isDataError(err) {
				culprit = free[i].fail(err)
				return culprit
			}
			if err != nil {
				return err
			}
		}
		return cause // nothing of this is to stay
	})
	if culprit != nil {
		return culprit, nil
	}
	return nil, err
}

// applyAlone applies one record, or leaves the transaction as it was.
func (w *writer) applyAlone(ctx context.Context, tx pgx.Tx, r *Record) (changes []announce.Change, err error) {
	err = transact(ctx, tx, func(tx pgx.Tx) error {
		changes, err = w.projection.Apply(ctx, tx, []Record{*r})
		return err
	})
	return changes, err
}
