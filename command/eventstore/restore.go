package eventstore

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// RecentActors returns who caused the last domain events, as their metadata names them.
func RecentActors(ctx context.Context, db Querier, last int) ([]string, error) {
	rows, err := db.Query(ctx, `SELECT DISTINCT metadata->>'actor' FROM domain_events
		WHERE shard = $1 AND position > `+LastPositionSQL+` - $2 ORDER BY 1`, Shard, last)
	if err != nil {
		return nil, fmt.Errorf("read who caused the last domain events: %w", err)
	}
	actors, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("read who caused the last domain events: %w", err)
	}
	return actors, nil
}

// BeginIncarnation gives the log a new incarnation: caches, cursors and checkpoints start over. It waits for an append that is under way.
func BeginIncarnation(ctx context.Context, db interface {
	Begin(ctx context.Context) (pgx.Tx, error)
},
) (incarnation string, err error) {
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1, $2)`, LockClass, Shard); err != nil {
			return fmt.Errorf("lock the log: %w", err)
		}
		return tx.QueryRow(ctx, `UPDATE log_incarnation SET incarnation = gen_random_uuid() WHERE shard = $1 RETURNING incarnation::text`,
			Shard).Scan(&incarnation)
	})
	if err != nil {
		return "", fmt.Errorf("begin a new incarnation: %w", err)
	}
	return incarnation, nil
}
