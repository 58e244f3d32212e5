package progress

import (
	"context"
	"time"

	"ticketing/command/eventstore"
)

// Lag is what of the log is not published.
type Lag struct {
	Published int64         // the position up to which the log is published
	Events    int64         // the number of domain events above it
	Age       time.Duration // of the oldest of them
}

// ReadLag returns the relay's lag.
func ReadLag(ctx context.Context, db eventstore.Querier) (Lag, error) {
	cursor, err := ReadCursor(ctx, db)
	if err != nil {
		return Lag{}, err
	}
	backlog, err := eventstore.ReadBacklog(ctx, db, cursor.Position)
	return Lag{Published: cursor.Position, Events: backlog.Events, Age: backlog.Age}, err
}
