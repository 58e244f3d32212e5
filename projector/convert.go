package projector

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// at is a time as a column.
func at(t time.Time) pgtype.Timestamptz { return pgtype.Timestamptz{Time: t, Valid: true} }

// atMaybe is a time that may be absent.
func atMaybe(t *time.Time) pgtype.Timestamptz {
	if t == nil {
		return pgtype.Timestamptz{}
	}
	return at(*t)
}

// text is the value of a column that may be NULL; the batch statements take "" for NULL.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func maybe(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// integer refuses what does not fit into the column.
func integer(n int) (int32, error) {
	if n < 0 || n > math.MaxInt32 {
		return 0, fmt.Errorf("%d is out of range", n)
	}
	return int32(n), nil
}

func encode(v any) (json.RawMessage, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return data, nil
}
