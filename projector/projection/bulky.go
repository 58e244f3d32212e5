package projection

import (
	"context"

	"github.com/jackc/pgx/v5"

	"ticketing/internal/announce"
)

// Bulky is a projection in which a single record may make very many rows. Such rows are written in parts, in transactions of their own,
// and the record's stream waits until all of them are there.
type Bulky interface {
	Projection
	// CountRows returns how many rows a record makes beside the row of its stream.
	CountRows(r *Record) int
	// StreamVersion returns the version of a stream's row, 0 if there is none.
	StreamVersion(ctx context.Context, tx pgx.Tx, streamID string) (int64, error)
	// WriteRows writes some of the rows of the record that is next in its stream, from one number up to another. At 0 it replaces what an
	// earlier attempt has left.
	WriteRows(ctx context.Context, tx pgx.Tx, r *Record, from, to int) error
	// ApplyRest applies a record whose rows are all there already.
	ApplyRest(ctx context.Context, tx pgx.Tx, r *Record) ([]announce.Change, error)
}

// CountRows returns how many rows a record makes beside the row of its stream.
func CountRows(p Projection, r *Record) int {
	if bulky, ok := p.(Bulky); ok {
		return bulky.CountRows(r)
	}
	return 0
}

// CutRows returns how many of the first records make at most so many rows together, and at least one.
func CutRows(p Projection, records []Record, most int) int {
	total := 0
	for i := range records {
		if total += CountRows(p, &records[i]); total > most {
			return max(i, 1)
		}
	}
	return len(records)
}
