package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Room is how many connections a server takes, of all databases and users.
type Room struct {
	Most int // that are not kept for superusers
	Free int // of these
}

// ReadRoom returns the room of the pool's server.
func ReadRoom(ctx context.Context, pool *pgxpool.Pool) (r Room, err error) {
	var used int
	err = pool.QueryRow(ctx, `SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
		(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid())`).Scan(&r.Most, &used)
	if err != nil {
		return Room{}, fmt.Errorf("read how many connections PostgreSQL takes: %w", err)
	}
	r.Free = r.Most - used
	return r, nil
}
