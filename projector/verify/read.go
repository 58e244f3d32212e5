package verify

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"ticketing/command/eventstore"
)

// query is a statement and where a row of it goes.
type query struct {
	table string // that errors name
	sql   string
	args  []any
	into  []any
}

// eachRow calls f for each row of a query.
func eachRow(ctx context.Context, db eventstore.Querier, q query, f func() error) error {
	rows, err := db.Query(ctx, q.sql, q.args...)
	if err == nil {
		_, err = pgx.ForEachRow(rows, q.into, f)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", q.table, err)
	}
	return nil
}

// readIDs returns the one column of a query.
func readIDs(ctx context.Context, db eventstore.Querier, table, sql string, args ...any) (ids []string, err error) {
	var id string
	err = eachRow(ctx, db, query{table, sql, args, []any{&id}}, func() error {
		ids = append(ids, id)
		return nil
	})
	return ids, err
}
