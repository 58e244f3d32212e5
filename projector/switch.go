package projector

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"ticketing/command/eventstore"
	"ticketing/projector/db"
)

// switchOver locks projectors out, applies what came meanwhile (so that the new tables are at least where the live ones are),
// and puts the new tables in the place of the old.
func (r *rebuilding) switchOver(ctx context.Context) error {
	name := r.live.projection.Name()
	return transact(ctx, r.live.read, func(tx pgx.Tx) error {
		q := db.New(tx)
		if _, err := q.LockProjection(ctx, name); err != nil {
			return fmt.Errorf("lock projection: %w", err)
		}
		head, err := eventstore.ReadHead(ctx, r.live.events)
		if err != nil {
			return err
		}
		if head.Incarnation != r.incarnation {
			return errIncarnation
		}
		if err := r.fillRest(ctx, tx, head.Position); err != nil {
			return err
		}
		if err := r.replaceTables(ctx, tx); err != nil {
			return err
		}
		if err := q.SwitchProjection(ctx, db.SwitchProjectionParams{Name: name, Incarnation: r.incarnation}); err != nil {
			return fmt.Errorf("switch: %w", err)
		}
		if err := q.SwitchCheckpoints(ctx, name); err != nil {
			return fmt.Errorf("switch checkpoints: %w", err)
		}
		return nil
	})
}

// fillRest writes through the switch's own transaction, as far as the log went when projectors were locked out.
func (r *rebuilding) fillRest(ctx context.Context, tx pgx.Tx, until int64) error {
	w := *r.live
	w.announcer, w.guard, w.within = nil, r.enter, tx
	for r.position < until {
		if _, err := r.fill(ctx, func(b batch) error { return w.write(ctx, b) }); err != nil {
			return err
		}
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
	statements := []string{`SET LOCAL lock_timeout = '5s'`} // a long read must not make everybody queue behind us
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
