package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"ticketing/command/eventstore"
	"ticketing/command/relay/progress"
	"ticketing/internal/wait"
	"ticketing/projector/db"
	"ticketing/projector/tables"
)

// pollEvery is the time between two looks at how far a projection is.
const pollEvery = 100 * time.Millisecond

// awaitProjection waits until the projection has applied everything that was in the log at the beginning of the run, and reports whether
// it has.
func (c *comparison) awaitProjection(ctx context.Context, until time.Time) (bool, error) {
	var ends map[progress.PartitionID]int64
	for {
		var err error
		if ends == nil {
			if ends, err = c.publishedEnds(ctx); err != nil {
				return false, err
			}
		}
		if ends != nil {
			passed, err := c.hasPassed(ctx, ends)
			if err != nil || passed {
				return passed, err
			}
		}
		if time.Now().After(until) {
			return false, nil
		}
		if err := wait.For(ctx, pollEvery); err != nil {
			return false, fmt.Errorf("wait for projection %s: %w", c.projection.Name(), err)
		}
	}
}

func (c *comparison) topics() map[string]bool {
	topics := map[string]bool{}
	for _, category := range c.projection.Categories() {
		topics[c.Topics[category]] = true
	}
	return topics
}

// publishedEnds returns where the projection's partitions end, nil if the relay has not published all that was in the log at the
// beginning of the run.
func (c *comparison) publishedEnds(ctx context.Context) (map[progress.PartitionID]int64, error) {
	cursor, err := progress.ReadCursor(ctx, c.Events)
	if err != nil || cursor.Incarnation != c.start.Incarnation || cursor.Position < c.start.Position {
		return nil, err
	}
	partitions, err := progress.ReadPartitions(ctx, c.Events)
	if err != nil {
		return nil, err
	}
	topics, ends := c.topics(), map[progress.PartitionID]int64{}
	for id, partition := range partitions {
		if topics[id.Topic] && partition.FilledTo != nil {
			return nil, nil //nolint:nilnil // a refill is not complete
		}
		if topics[id.Topic] {
			ends[id] = partition.LastOffset + 1
		}
	}
	if len(ends) == 0 {
		return nil, nil //nolint:nilnil // nothing was published yet
	}
	return ends, nil
}

// hasPassed reports whether the projection's checkpoints have reached these ends of the partitions.
func (c *comparison) hasPassed(ctx context.Context, ends map[progress.PartitionID]int64) (bool, error) {
	q := db.New(c.Read)
	live, err := q.Projection(ctx, c.projection.Name())
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil // it has never run
	}
	if err != nil {
		return false, fmt.Errorf("read projection %s: %w", c.projection.Name(), err)
	}
	checkpoints, err := q.Checkpoints(ctx, c.projection.Name())
	if err != nil {
		return false, fmt.Errorf("read checkpoints of %s: %w", c.projection.Name(), err)
	}
	next := map[progress.PartitionID]int64{}
	for _, row := range checkpoints {
		next[progress.PartitionID{Topic: row.Topic, Index: row.Partition}] = row.NextOffset
	}
	for id, end := range ends {
		if next[id] < end {
			return false, nil
		}
	}
	return live.Incarnation == c.start.Incarnation, nil
}

// blockedStreams returns the streams that wait behind a dead letter of the projection.
func (c *comparison) blockedStreams(ctx context.Context) (map[string]bool, error) {
	letters, err := tables.DeadLetters(ctx, c.Read, c.projection.Name())
	if err != nil {
		return nil, err
	}
	blocked := make(map[string]bool, len(letters))
	for _, letter := range letters {
		blocked[letter.StreamID] = true
	}
	return blocked, nil
}

// rowVersions returns the versions of those rows that are there.
func (c *comparison) rowVersions(ctx context.Context, read eventstore.Querier, ids []string) (map[string]int64, error) {
	key := pgx.Identifier{c.key}.Sanitize()
	versions := map[string]int64{}
	var id string
	var version int64
	rows := query{
		c.name, `SELECT ` + key + `, version FROM ` + pgx.Identifier{c.name}.Sanitize() + ` WHERE ` + key + ` = ANY ($1)`,
		[]any{ids}, []any{&id, &version},
	}
	err := eachRow(ctx, read, rows, func() error {
		versions[id] = version
		return nil
	})
	return versions, err
}
