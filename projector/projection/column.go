package projection

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// Column returns one column of rows, as the statements take it that write many rows at once.
func Column[Row, T any](rows []Row, f func(Row) T) []T {
	values := make([]T, len(rows))
	for i, r := range rows {
		values[i] = f(r)
	}
	return values
}

// Distinct sorts ids in place and returns them without those that repeat.
func Distinct(ids []string) []string {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// At returns a time as a column holds it: in UTC and exact to the microsecond.
func At(t time.Time) pgtype.Timestamptz {
	return pgtype.Timestamptz{Time: t.UTC().Truncate(time.Microsecond), Valid: true}
}

// AtOrNull returns a time as At does, and NULL for nil.
func AtOrNull(t *time.Time) pgtype.Timestamptz {
	if t == nil {
		return pgtype.Timestamptz{}
	}
	return At(*t)
}

// Text returns the value of a column that may be NULL, "" for NULL.
func Text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// TextOrNull returns the value of a column that may be NULL, NULL for "".
func TextOrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// Integer returns the value of an integer column. It refuses what does not fit.
func Integer(n int) (int32, error) {
	if n < 0 || n > math.MaxInt32 {
		return 0, fmt.Errorf("%d is out of range", n)
	}
	return int32(n), nil
}

// JSON returns the value of a JSON column.
func JSON(v any) (json.RawMessage, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return data, nil
}
