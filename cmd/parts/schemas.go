package parts

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"ticketing/internal/postgres"
	"ticketing/migrations"
)

// schema is what this build expects of a database.
type schema struct {
	database string
	pool     *postgres.Pool
	files    fs.FS
}

// schemaState is what is shown of a schema.
type schemaState struct {
	Migration int64 `json:"migration"`
}

// schemaTimeout is for all schemas together: less than a health check may take, so that a database that hangs shows as that.
const schemaTimeout = time.Second

// migrationsProbe shows at which migration each database is, and fails when one lacks what this build knows: so a deployment that forgot to
// migrate ends with the old processes. A database that can't be read has a check of its own.
func migrationsProbe(schemas ...schema) probe {
	return func(ctx context.Context) (any, error) {
		ctx, cancel := context.WithTimeout(ctx, schemaTimeout)
		defer cancel()
		var behind []error
		at := map[string]schemaState{}
		for _, s := range schemas {
			newest, err := migrations.Newest(s.files)
			if err != nil {
				return nil, err
			}
			version, _, err := postgres.SchemaVersion(ctx, s.pool)
			if failed, ok := errors.AsType[*pgconn.PgError](err); err != nil && (!ok || failed.Code != pgerrcode.UndefinedTable) {
				continue
			}
			at[s.database] = schemaState{version}
			if version < newest {
				behind = append(behind, fmt.Errorf("database %s is at migration %d of %d: run migrate up", s.database, version, newest))
			}
		}
		return at, errors.Join(behind...)
	}
}
