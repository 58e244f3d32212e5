package projector

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// beginner is a pool or, for a part that can be taken back by itself, a transaction.
type beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// transact commits what work does, or takes it back and answers work's error.
func transact(ctx context.Context, db beginner, work func(pgx.Tx) error) error {
	tx, err := db.Begin(ctx)
	if err != nil {
		return fmt.Errorf("projector: begin: %w", err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // after a commit there is nothing to take back
	if err := work(tx); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("projector: commit: %w", err)
	}
	return nil
}
