package eventstore

import (
	"context"
	"fmt"
)

// Range is a part of a stream: the domain events strictly between two versions, at most Limit of them, the last ones if Backward.
type Range struct {
	After, Before int64
	Limit         int
	Backward      bool
}

// Reader reads parts of streams.
type Reader struct{ DB Querier }

// Range returns a part of a stream: the newest domain event first if Backward, else the oldest.
func (r Reader) Range(ctx context.Context, streamID string, part Range) ([]Recorded, error) {
	order := `version`
	if part.Backward {
		order = `version DESC`
	}
	rows, err := r.DB.Query(ctx, `SELECT `+columns+` FROM domain_events
		WHERE stream_id = $1 AND version > $2 AND version < $3 ORDER BY `+order+` LIMIT $4`, streamID, part.After, part.Before, part.Limit)
	if err != nil {
		return nil, fmt.Errorf("read stream %s between %d and %d: %w", streamID, part.After, part.Before, err)
	}
	return collectRecorded(rows)
}
