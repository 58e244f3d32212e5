package rebuild

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/projector/tables"
)

// ErrRebuilding says that another process rebuilds the projection.
var ErrRebuilding = errors.New("it is being rebuilt by another process already")

// withLock runs work under the lock of the projection's rebuild, which a connection of its own holds. locked is false if another process
// has the lock.
func withLock(ctx context.Context, live *tables.Writer, work func(ctx context.Context, locked bool) error) error {
	conn, err := live.Read.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("acquire a connection: %w", err)
	}
	defer conn.Release()
	var locked bool
	name := live.Projection.Name()
	err = conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtext('ticketing rebuild'), hashtext($1))`, name).Scan(&locked)
	if err != nil {
		return fmt.Errorf("lock the rebuild of %s: %w", name, err)
	}
	if locked {
		defer unlock(ctx, conn, name)
	}
	return work(ctx, locked)
}

func unlock(ctx context.Context, conn *pgxpool.Conn, projection string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_unlock(hashtext('ticketing rebuild'), hashtext($1))`, projection); err != nil {
		_ = conn.Conn().Close(ctx) // which releases the lock as well
	}
}
