package rebuild

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"ticketing/command/eventstore"
	"ticketing/projector/db"
	"ticketing/projector/projection"
	"ticketing/projector/tables"
)

const (
	pagePositions = 10_000 // positions of the log that are read, applied and committed at a time
	fewPositions  = 1_000  // are applied fast enough for projectors to wait meanwhile
	pageRows      = 50_000 // rows beside those of streams that are written in one transaction
	fewRows       = 5_000  // as fewPositions
)

// fill applies the log to the new tables until almost nothing is missing.
func (r *rebuilding) fill(ctx context.Context) error {
	w := r.live.Into(r.enterSchema)
	for {
		head, err := eventstore.ReadHead(ctx, r.live.Events)
		if err != nil {
			return err
		}
		if head.Incarnation != r.incarnation {
			return tables.ErrIncarnation
		}
		missing, rows := head.Position-r.position, r.rows
		if err := r.fillTo(ctx, w, head.Position); err != nil {
			return err
		}
		if missing <= fewPositions && r.rows-rows <= fewRows {
			return nil
		}
	}
}

// page is the records that the projection follows in a part of the log, up to a position.
type page struct {
	records []projection.Record
	to      int64
	err     error
}

// fillTo applies the log up to a position. While a page is written, the next one is read.
func (r *rebuilding) fillTo(ctx context.Context, w *tables.Writer, position int64) error {
	reading, stop := context.WithCancel(ctx)
	pages := make(chan page, 1)
	go func() {
		defer close(pages)
		for after := r.position; after < position && reading.Err() == nil; {
			to := min(after+pagePositions, position)
			records, err := r.readPage(reading, after, to)
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
	r.reportProgress(Filling, position)
	for next := range pages {
		if next.err != nil {
			return next.err
		}
		for len(next.records) > 0 || r.position < next.to {
			if err := r.writePart(ctx, w, &next); err != nil {
				return err
			}
			r.reportProgress(Filling, position)
		}
	}
	return ctx.Err()
}

// writePart writes the first records of a page, so many that they make at most pageRows rows, or at least one, and removes them.
func (r *rebuilding) writePart(ctx context.Context, w *tables.Writer, p *page) error {
	n, to := projection.CutRows(w.Projection, p.records, pageRows), p.to
	if n < len(p.records) {
		to = p.records[n-1].Position
	}
	if err := w.Write(ctx, tables.Batch{Records: p.records[:n], Along: r.movePosition(to)}); err != nil {
		return err
	}
	for i := range p.records[:n] {
		r.rows += projection.CountRows(w.Projection, &p.records[i])
	}
	p.records, r.position = p.records[n:], to
	return nil
}

func (r *rebuilding) readPage(ctx context.Context, after, to int64) ([]projection.Record, error) {
	recorded, err := eventstore.ReadCategories(ctx, r.live.Events, r.live.Projection.Categories(), after, to)
	if err != nil {
		return nil, err
	}
	records := make([]projection.Record, len(recorded))
	for i, one := range recorded {
		records[i] = projection.Decode(r.live.Registry, one)
	}
	return records, nil
}

// movePosition returns a function that notes that the new tables are filled up to a position.
func (r *rebuilding) movePosition(to int64) func(context.Context, *db.Queries) error {
	return func(ctx context.Context, q *db.Queries) error {
		moved, err := q.MoveRebuild(ctx, db.MoveRebuildParams{
			Projection: r.live.Projection.Name(), Build: r.build, Incarnation: r.incarnation, Expected: r.position, Position: to,
		})
		if err != nil {
			return fmt.Errorf("move the rebuild's position: %w", err)
		}
		if moved != 1 {
			return projection.ErrFenced
		}
		return nil
	}
}

// enterSchema makes the statements of a transaction mean the new tables.
func (r *rebuilding) enterSchema(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SELECT set_config('search_path', $1 || ', ' || current_setting('search_path'), true)`,
		pgx.Identifier{r.schema}.Sanitize())
	if err != nil {
		return fmt.Errorf("enter schema %s: %w", r.schema, err)
	}
	return nil
}

// resume continues from what an earlier run has left, and reports whether that would have filled the same rows into the same tables.
func (r *rebuilding) resume(ctx context.Context) (bool, error) {
	left, err := db.New(r.live.Read).Rebuild(ctx, r.live.Projection.Name())
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

// makeTables makes the new tables, empty, and discards what another program or another incarnation of the log has left there.
func (r *rebuilding) makeTables(ctx context.Context) error {
	schema := pgx.Identifier{r.schema}.Sanitize()
	statements := []string{`DROP SCHEMA IF EXISTS ` + schema + ` CASCADE`, `CREATE SCHEMA ` + schema}
	for _, table := range append(r.live.Projection.Tables(), "projection_dead_letters", "projection_backlog") {
		name := pgx.Identifier{table}.Sanitize()
		statements = append(statements, `CREATE TABLE `+schema+`.`+name+` (LIKE `+name+` INCLUDING ALL)`)
	}
	return pgx.BeginFunc(ctx, r.live.Read, func(tx pgx.Tx) error {
		if err := executeAll(ctx, tx, statements); err != nil {
			return err
		}
		err := db.New(tx).BeginRebuild(ctx, db.BeginRebuildParams{
			Projection: r.live.Projection.Name(), Incarnation: r.incarnation, Build: r.build, SchemaVersion: r.schemaVersion,
		})
		if err != nil {
			return fmt.Errorf("note the beginning: %w", err)
		}
		return nil
	})
}

func executeAll(ctx context.Context, tx pgx.Tx, statements []string) error {
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}
