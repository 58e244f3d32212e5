package projector

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"ticketing/command/eventstore"
	"ticketing/projector/db"
)

var errMigrated = errors.New("the tables were migrated meanwhile; run it again")

// switchOver locks projectors out, applies what came meanwhile (so that the new tables are at least where the live ones are),
// and puts the new tables in the place of the old.
func (r *rebuilding) switchOver(ctx context.Context) error {
	filled := r.position
	err := transact(ctx, r.live.read, func(tx pgx.Tx) error {
		q := db.New(tx)
		if err := q.LockOut(ctx, r.live.projection.Name()); err != nil {
			return fmt.Errorf("lock projectors out: %w", err)
		}
		if err := r.check(ctx, tx); err != nil {
			return err
		}
		w := *r.live
		w.announcer, w.guard, w.within = nil, r.enter, tx
		head, err := eventstore.ReadHead(ctx, r.live.events)
		if err != nil {
			return err
		}
		if err := r.fillTo(ctx, &w, head.Position); err != nil {
			return err
		}
		if err := r.replaceTables(ctx, tx); err != nil {
			return err
		}
		return r.moveOn(ctx, q)
	})
	if err != nil {
		r.position = filled
		return err
	}
	r.tell(Switched, r.position)
	return nil
}

// check says whether the new tables still are what is to become live.
func (r *rebuilding) check(ctx context.Context, tx pgx.Tx) error {
	head, err := eventstore.ReadHead(ctx, r.live.events)
	if err != nil {
		return err
	}
	if head.Incarnation != r.incarnation {
		return errIncarnation
	}
	version, err := readSchemaVersion(ctx, tx)
	if err != nil {
		return err
	}
	if version != r.schemaVersion {
		return errMigrated
	}
	return nil
}

// moveOn makes the new generation the live one.
func (r *rebuilding) moveOn(ctx context.Context, q *db.Queries) error {
	name := r.live.projection.Name()
	if err := q.SwitchProjection(ctx, db.SwitchProjectionParams{Name: name, Incarnation: r.incarnation}); err != nil {
		return fmt.Errorf("switch: %w", err)
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
		return errFenced
	}
	return nil
}

// replaceTables is done by name and in one transaction: who reads sees the old tables or the new ones, whole.
func (r *rebuilding) replaceTables(ctx context.Context, tx pgx.Tx) error {
	schema := pgx.Identifier{r.schema}.Sanitize()
	var live string
	if err := tx.QueryRow(ctx, `SELECT table_schema FROM information_schema.tables WHERE table_name = 'projections'
		AND table_schema = ANY (current_schemas(false))`).Scan(&live); err != nil {
		return fmt.Errorf("find the live schema: %w", err)
	}
	into := pgx.Identifier{live}.Sanitize()
	// Everybody who reads queues behind us while we wait for a long read to end: better to give up, and try again later.
	statements := []string{`SET LOCAL lock_timeout = '100ms'`}
	for _, table := range r.live.projection.Tables() {
		name := pgx.Identifier{table}.Sanitize()
		statements = append(statements,
			`DROP TABLE `+into+`.`+name, `ALTER TABLE `+schema+`.`+name+` SET SCHEMA `+into)
	}
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return r.replaceDeadLetters(ctx, tx, into, schema)
}

// replaceDeadLetters moves rows, since other projections share the table.
func (r *rebuilding) replaceDeadLetters(ctx context.Context, tx pgx.Tx, into, schema string) error {
	_, err := tx.Exec(ctx, `DELETE FROM `+into+`.projection_dead_letters WHERE projection = $1`, r.live.projection.Name())
	if err == nil {
		_, err = tx.Exec(ctx, `INSERT INTO `+into+`.projection_dead_letters TABLE `+schema+`.projection_dead_letters`)
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
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == lockNotAvailable
}
