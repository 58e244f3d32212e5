package rebuild

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"ticketing/command/eventstore"
	"ticketing/projector/db"
	"ticketing/projector/projection"
	"ticketing/projector/tables"
)

var errMigrated = errors.New("the tables were migrated meanwhile; run it again")

// switchTables locks projectors out, applies what came meanwhile (so that the new tables are at least where the live ones are), and
// replaces the old tables.
func (r *rebuilding) switchTables(ctx context.Context) error {
	filled := r.position
	err := pgx.BeginFunc(ctx, r.live.Read, func(tx pgx.Tx) error {
		q := db.New(tx)
		if err := q.LockOut(ctx, r.live.Projection.Name()); err != nil {
			return fmt.Errorf("lock projectors out: %w", err)
		}
		head, err := r.checkUnchanged(ctx, tx)
		if err != nil {
			return err
		}
		if err := r.fillTo(ctx, r.live.Into(r.enterSchema).Within(tx), head.Position); err != nil {
			return err
		}
		if err := r.replaceTables(ctx, tx); err != nil {
			return err
		}
		return r.makeLive(ctx, q)
	})
	if err != nil {
		r.position = filled
		return err
	}
	r.reportProgress(Switched, r.position)
	return nil
}

// checkUnchanged fails if the log or the live tables have been replaced since the rebuild began. It returns the head of the log.
func (r *rebuilding) checkUnchanged(ctx context.Context, tx pgx.Tx) (eventstore.Head, error) {
	head, err := eventstore.ReadHead(ctx, r.live.Events)
	if err != nil {
		return head, err
	}
	if head.Incarnation != r.incarnation {
		return head, tables.ErrIncarnation
	}
	version, err := readSchemaVersion(ctx, tx)
	if err != nil {
		return head, err
	}
	if version != r.schemaVersion {
		return head, errMigrated
	}
	return head, nil
}

// makeLive makes the new generation the live one.
func (r *rebuilding) makeLive(ctx context.Context, q *db.Queries) error {
	name := r.live.Projection.Name()
	if err := q.SwitchProjection(ctx, db.SwitchProjectionParams{Name: name, Incarnation: r.incarnation}); err != nil {
		return fmt.Errorf("switch %s to the new generation: %w", name, err)
	}
	if err := q.SwitchCheckpoints(ctx, name); err != nil {
		return fmt.Errorf("switch checkpoints: %w", err)
	}
	ended, err := q.EndRebuild(ctx, db.EndRebuildParams{
		Projection: name, Build: r.build, Incarnation: r.incarnation, Position: r.position,
	})
	if err != nil {
		return fmt.Errorf("end the rebuild: %w", err)
	}
	if ended != 1 {
		return projection.ErrFenced
	}
	return nil
}

// replaceTables replaces the live tables by name in one transaction: readers see all of the old tables or all of the new ones.
func (r *rebuilding) replaceTables(ctx context.Context, tx pgx.Tx) error {
	schema := pgx.Identifier{r.schema}.Sanitize()
	var live string
	if err := tx.QueryRow(ctx, `SELECT table_schema FROM information_schema.tables WHERE table_name = 'projections'
		AND table_schema = ANY (current_schemas(false))`).Scan(&live); err != nil {
		return fmt.Errorf("find the live schema: %w", err)
	}
	into := pgx.Identifier{live}.Sanitize()
	// Readers queue behind this transaction while it waits for a long read to end: it gives up soon and is tried again later.
	statements := []string{`SET LOCAL lock_timeout = '100ms'`}
	for _, table := range r.live.Projection.Tables() {
		name := pgx.Identifier{table}.Sanitize()
		statements = append(statements,
			`DROP TABLE `+into+`.`+name, `ALTER TABLE `+schema+`.`+name+` SET SCHEMA `+into)
	}
	if err := executeAll(ctx, tx, statements); err != nil {
		return err
	}
	return r.replaceDeadLetters(ctx, tx, into, schema)
}

// replaceDeadLetters moves rows, since all projections share the table.
func (r *rebuilding) replaceDeadLetters(ctx context.Context, tx pgx.Tx, into, schema string) error {
	_, err := tx.Exec(ctx, `DELETE FROM `+into+`.projection_dead_letters WHERE projection = $1`, r.live.Projection.Name())
	if err == nil {
		_, err = tx.Exec(ctx, `INSERT INTO `+into+`.projection_dead_letters TABLE `+schema+`.projection_dead_letters`)
	}
	if err == nil { // the new tables lack nothing
		_, err = tx.Exec(ctx, `DELETE FROM `+into+`.projection_backlog WHERE projection = $1`, r.live.Projection.Name())
	}
	if err == nil {
		_, err = tx.Exec(ctx, `DROP SCHEMA `+schema+` CASCADE`)
	}
	if err != nil {
		return fmt.Errorf("replace dead letters: %w", err)
	}
	return nil
}

func isLockTimeout(err error) bool {
	const lockNotAvailable = "55P03"
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && refused.Code == lockNotAvailable
}
