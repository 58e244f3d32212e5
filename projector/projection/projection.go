// Package projection says what a projection is, and holds what all of them share: which records are next in their streams, folding
// records into rows, and the columns of statements that write many rows at once.
package projection

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"ticketing/internal/announce"
)

// Projection turns the domain events of one or several categories of streams into rows.
type Projection interface {
	// Name is what operators call it. It is also part of its consumer group.
	Name() string
	// Categories returns the categories of the streams that it follows. Records of different streams come in any order, also between
	// categories.
	Categories() []string
	// Tables returns the tables that it alone writes.
	Tables() []string
	// Apply folds the batch in memory and writes the changed rows in a few statements. It returns what changed.
	//
	// A row takes only the version after its own. Lower versions are skipped, because delivery may repeat; higher ones cause a *GapError
	// before anything is written. A domain event that can't be applied causes a *RecordError. ErrFenced says that another writer was
	// faster.
	Apply(ctx context.Context, tx pgx.Tx, batch []Record) ([]announce.Change, error)
}

// ErrFenced says that another member has written the same rows or checkpoints meanwhile, or that the tables were switched.
var ErrFenced = errors.New("another member or another generation has taken over")
