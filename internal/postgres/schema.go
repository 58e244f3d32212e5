package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// SchemaVersion returns the migration that a database is at, and whether that failed halfway. In a database without tables the error is one of
// PostgreSQL, undefined_table.
func SchemaVersion(ctx context.Context, db interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
},
) (version int64, isDirty bool, err error) {
	if err := db.QueryRow(ctx, `SELECT version, dirty FROM schema_migrations`).Scan(&version, &isDirty); err != nil {
		return 0, false, fmt.Errorf("read the version of the schema: %w", err)
	}
	return version, isDirty, nil
}
