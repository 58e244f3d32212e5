package query

import (
	"context"

	"github.com/jackc/pgx/v5"

	"ticketing/query/db"
)

// planned has every query planned for its own arguments. A statement that is prepared once is soon planned once for all arguments, and a
// plan that must do with and without each filter ("$1 IS NULL OR status = $1") can use the index of none. Planning takes a fraction of a
// millisecond, which a list is worth and a read by id is not.
type planned struct{ db.DBTX }

// Query implements db.DBTX.
func (p planned) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	// The statement has no name, so the server plans it at each execution; its description is remembered here, so it is one round trip.
	return p.DBTX.Query(ctx, sql, append([]any{pgx.QueryExecModeCacheDescribe}, args...)...)
}
