package projector

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"ticketing/command/eventstore"
	"ticketing/projector/db"
)

const rebuildPage = 5000

// Rebuild fills a new generation of a projection's tables straight from the log, beside the live ones, and switches to it. Readers
// and projectors go on meanwhile.
func Rebuild(ctx context.Context, cfg Config, projection string) error {
	p, err := find(projection)
	if err != nil {
		return err
	}
	w, _, err := newWriter(ctx, cfg, p, newMetrics(nil))
	if err != nil {
		return err
	}
	return rebuild(ctx, w, false)
}

// rebuild is Rebuild; with onlyForeign it does nothing when another process has meanwhile filled the tables from the present log.
func rebuild(ctx context.Context, live *writer, onlyForeign bool) error {
	conn, err := live.read.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("projector: rebuild %s: %w", live.projection.Name(), err)
	}
	defer conn.Release()
	// One rebuild of a projection at a time: the others wait here, on short statements that no timeout ends.
	unlock, err := lockRebuild(ctx, conn.Conn(), live.projection.Name())
	if err != nil {
		return err
	}
	defer unlock()

	head, err := eventstore.ReadHead(ctx, live.events)
	if err != nil {
		return fmt.Errorf("projector: rebuild: %w", err)
	}
	now, err := db.New(live.read).Projection(ctx, live.projection.Name())
	if err != nil {
		return fmt.Errorf("projector: read projection %s: %w", live.projection.Name(), err)
	}
	if onlyForeign && now.Incarnation == head.Incarnation {
		return nil
	}
	r := &rebuilding{live: live, schema: "rebuild_" + live.projection.Name(), incarnation: head.Incarnation}
	if err := r.run(ctx); err != nil {
		return fmt.Errorf("projector: rebuild %s: %w", live.projection.Name(), err)
	}
	return nil
}

func lockRebuild(ctx context.Context, conn *pgx.Conn, projection string) (unlock func(), err error) {
	for {
		var locked bool
		err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtext('ticketing rebuild'), hashtext($1))`, projection).Scan(&locked)
		if err != nil {
			return nil, fmt.Errorf("projector: lock the rebuild of %s: %w", projection, err)
		}
		if locked {
			break
		}
		sleep(ctx, time.Second)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_, err := conn.Exec(ctx, `SELECT pg_advisory_unlock(hashtext('ticketing rebuild'), hashtext($1))`, projection)
		if err != nil {
			_ = conn.Close(ctx) // which gives the lock back as well
		}
	}, nil
}

// rebuilding is one rebuild. The new tables have the live ones' names in a schema of their own, so that the search path decides
// which of them a statement means.
type rebuilding struct {
	live        *writer
	schema      string
	incarnation string
	position    int64 // everything up to here is in the new tables
}

func (r *rebuilding) run(ctx context.Context) error {
	if err := r.makeTables(ctx); err != nil {
		return err
	}
	w := *r.live
	w.announcer = nil
	w.guard = r.enter
	for {
		read, err := r.fill(ctx, func(b batch) error { return w.write(ctx, b) })
		if err != nil {
			return err
		}
		if read < rebuildPage {
			return r.switchOver(ctx)
		}
	}
}

// tables are those to be rebuilt: the projection's, and its dead letters.
func (r *rebuilding) tables() []string {
	return append(r.live.projection.Tables(), "projection_dead_letters")
}

func (r *rebuilding) makeTables(ctx context.Context) error {
	schema := pgx.Identifier{r.schema}.Sanitize()
	statements := []string{`DROP SCHEMA IF EXISTS ` + schema + ` CASCADE`, `CREATE SCHEMA ` + schema}
	for _, table := range r.tables() {
		name := pgx.Identifier{table}.Sanitize()
		statements = append(statements, `CREATE TABLE `+schema+`.`+name+` (LIKE `+name+` INCLUDING ALL)`)
	}
	return transact(ctx, r.live.read, func(tx pgx.Tx) error {
		for _, statement := range statements {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return fmt.Errorf("%s: %w", statement, err)
			}
		}
		return nil
	})
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

// fill applies the next page of the log and answers how many domain events it had.
func (r *rebuilding) fill(ctx context.Context, write func(batch) error) (int, error) {
	page, err := eventstore.ReadAll(ctx, r.live.events, r.position, rebuildPage)
	if err != nil || len(page) == 0 {
		return 0, err
	}
	var b batch
	for _, one := range page {
		if slices.Contains(r.live.projection.Categories(), categoryOf(one.StreamID)) {
			b.records = append(b.records, newRecord(r.live.registry, one))
		}
	}
	if !b.empty() {
		if err := write(b); err != nil {
			return 0, err
		}
	}
	r.position = page[len(page)-1].Position
	return len(page), nil
}
