package projector

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"ticketing/command/eventstore"
	"ticketing/projector/db"
)

const (
	rebuildPage = 10_000 // positions of the log that are read, applied and committed at a time
	fewLeft     = 1_000  // are applied soon enough for projectors to wait meanwhile
)

// fill brings the new tables to where next to nothing is missing.
func (r *rebuilding) fill(ctx context.Context) error {
	w := *r.live
	w.announcer = nil
	w.guard = r.enter
	for {
		head, err := eventstore.ReadHead(ctx, r.live.events)
		if err != nil {
			return err
		}
		if head.Incarnation != r.incarnation {
			return errIncarnation
		}
		missing := head.Position - r.position
		if err := r.fillTo(ctx, &w, head.Position); err != nil {
			return err
		}
		if missing <= fewLeft {
			return nil
		}
	}
}

// page is a part of the log: what the projection follows of it, up to a position.
type page struct {
	records []Record
	to      int64
	err     error
}

// fillTo applies the log up to a position. While a page is written, the next one is read.
func (r *rebuilding) fillTo(ctx context.Context, w *writer, position int64) error {
	reading, stop := context.WithCancel(ctx)
	pages := make(chan page, 1)
	go func() {
		defer close(pages)
		for after := r.position; after < position && reading.Err() == nil; {
			to := min(after+rebuildPage, position)
			records, err := r.read(reading, after, to)
			select {
			case pages <- page{records, to, err}:
			case <-reading.Done():
			}
			after = to
		}
	}()
	defer func() {
		stop()
		for range pages { // until the reader has ended
		}
	}()
	r.tell(Filling, position)
	for next := range pages {
		if next.err != nil {
			return next.err
		}
		if err := w.write(ctx, batch{records: next.records, along: r.advance(next.to)}); err != nil {
			return err
		}
		r.position = next.to
		r.tell(Filling, position)
	}
	return ctx.Err()
}

// read answers what the projection follows of the log between two positions.
func (r *rebuilding) read(ctx context.Context, after, to int64) ([]Record, error) {
	rows, err := r.live.events.Query(ctx, `SELECT shard, position, stream_id, version, type, schema_version, data, metadata, recorded_at
		FROM domain_events WHERE shard = $1 AND position > $2 AND position <= $3 AND split_part(stream_id, '-', 1) = ANY ($4)
		ORDER BY position`, eventstore.Shard, after, to, r.live.projection.Categories())
	if err != nil {
		return nil, fmt.Errorf("read the log after %d: %w", after, err)
	}
	recorded, err := pgx.CollectRows(rows, eventstore.ScanRecorded)
	if err != nil {
		return nil, fmt.Errorf("read the log after %d: %w", after, err)
	}
	records := make([]Record, len(recorded))
	for i, one := range recorded {
		records[i] = newRecord(r.live.registry, one)
	}
	return records, nil
}

// advance notes that the new tables are filled up to a position.
func (r *rebuilding) advance(to int64) func(context.Context, *db.Queries) error {
	return func(ctx context.Context, q *db.Queries) error {
		moved, err := q.MoveRebuild(ctx, db.MoveRebuildParams{
			Projection: r.live.projection.Name(), Build: r.build, Incarnation: r.incarnation, Expected: r.position, Position: to,
		})
		if err != nil {
			return fmt.Errorf("move the rebuild's position: %w", err)
		}
		if moved != 1 {
			return errFenced
		}
		return nil
	}
}

// enter is the guard of the new tables.
func (r *rebuilding) enter(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SELECT set_config('search_path', $1 || ', ' || current_setting('search_path'), true)`,
		pgx.Identifier{r.schema}.Sanitize())
	if err != nil {
		return fmt.Errorf("enter schema %s: %w", r.schema, err)
	}
	return nil
}

// resume takes up what an earlier run has left, when it would have filled the same rows into the same tables.
func (r *rebuilding) resume(ctx context.Context) (bool, error) {
	left, err := db.New(r.live.read).Rebuild(ctx, r.live.projection.Name())
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read what an earlier rebuild has left: %w", err)
	}
	if left.Build != r.build || left.SchemaVersion != r.schemaVersion || left.Incarnation != r.incarnation {
		return false, nil
	}
	r.position = left.Position
	return true, nil
}

// makeTables makes the new tables, empty, in the place of what another program or another incarnation of the log has left there.
func (r *rebuilding) makeTables(ctx context.Context) error {
	schema := pgx.Identifier{r.schema}.Sanitize()
	statements := []string{`DROP SCHEMA IF EXISTS ` + schema + ` CASCADE`, `CREATE SCHEMA ` + schema}
	for _, table := range append(r.live.projection.Tables(), "projection_dead_letters") {
		name := pgx.Identifier{table}.Sanitize()
		statements = append(statements, `CREATE TABLE `+schema+`.`+name+` (LIKE `+name+` INCLUDING ALL)`)
	}
	return transact(ctx, r.live.read, func(tx pgx.Tx) error {
		for _, statement := range statements {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
		err := db.New(tx).BeginRebuild(ctx, db.BeginRebuildParams{
			Projection: r.live.projection.Name(), Incarnation: r.incarnation, Build: r.build, SchemaVersion: r.schemaVersion,
		})
		if err != nil {
			return fmt.Errorf("note the beginning: %w", err)
		}
		return nil
	})
}
