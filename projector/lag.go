package projector

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/projector/db"
)

// Lag answers how many records each projection is behind the log, from the two databases alone. What the relay has not published
// yet counts for all of them, whatever it is about. topics are the names by category of streams.
func Lag(ctx context.Context, events, read *pgxpool.Pool, topics map[string]string) (map[string]int64, error) {
	published, err := readPublished(ctx, events)
	if err != nil {
		return nil, err
	}
	lag := make(map[string]int64, len(projections))
	for name, projection := range projections {
		follows, err := topicsOf(projection, topics)
		if err != nil {
			return nil, err
		}
		rows, err := db.New(read).Checkpoints(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("projector: read checkpoints of %s: %w", name, err)
		}
		read := map[partitionID]int64{}
		for _, row := range rows {
			read[partitionID{row.Topic, row.Partition}] = row.NextOffset
		}
		lag[name] = max(0, published.unpublished)
		for id, partition := range published.partitions {
			if slices.Contains(follows, id.topic) {
				lag[name] += max(0, partition.ends-read[id])
			}
		}
	}
	return lag, nil
}
