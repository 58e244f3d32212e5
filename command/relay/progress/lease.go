package progress

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"ticketing/command/eventstore"
)

// TakeLease gives the lease to holder for a time, and reports whether it did: it had ended, or was holder's already.
func TakeLease(ctx context.Context, db DB, holder string, ttl time.Duration) (bool, error) {
	var taken bool
	err := db.QueryRow(ctx, `INSERT INTO relay_lease AS l (shard, holder, expires_at) VALUES ($1, $2, clock_timestamp() + $3::interval)
		ON CONFLICT (shard) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
		WHERE l.holder = excluded.holder OR l.expires_at < clock_timestamp()
		RETURNING true`, eventstore.Shard, holder, ttl).Scan(&taken)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return false, fmt.Errorf("take the relay's lease: %w", err)
	}
	return taken, nil
}

// ReleaseLease ends holder's lease.
func ReleaseLease(ctx context.Context, db DB, holder string) error {
	_, err := db.Exec(ctx, `UPDATE relay_lease SET expires_at = clock_timestamp() WHERE shard = $1 AND holder = $2`, eventstore.Shard, holder)
	if err != nil {
		return fmt.Errorf("release the relay's lease: %w", err)
	}
	return nil
}
