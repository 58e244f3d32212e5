package verify

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"ticketing/command/eventstore" //nolint:depguard // as in verify.go
)

// lookEvery is how often it is asked whether a projection has come as far as it must.
const lookEvery = 100 * time.Millisecond

// await waits until the projection has applied everything that was in the log at the start of the run, and answers whether it has.
func (c *comparison) await(ctx context.Context, start eventstore.Head, until time.Time) (bool, error) {
	var ends map[string]int64
	for {
		var err error
		if ends == nil {
			if ends, err = c.published(ctx, start); err != nil {
				return false, err
			}
		}
		if ends != nil {
			passed, err := c.passed(ctx, start, ends)
			if err != nil || passed {
				return passed, err
			}
		}
		if time.Now().After(until) {
			return false, nil
		}
		select {
		case <-ctx.Done():
			return false, fmt.Errorf("verify: wait for %s: %w", c.name, ctx.Err())
		case <-time.After(lookEvery):
		}
	}
}

// topics are those that the projection reads.
func (c *comparison) topics() []string {
	topics := make([]string, len(c.categories))
	for i, category := range c.categories {
		topics[i] = c.Topics[category]
	}
	return topics
}

// published answers where the projection's partitions ended when the relay had published the log up to start; nil: it has not yet.
func (c *comparison) published(ctx context.Context, start eventstore.Head) (map[string]int64, error) {
	rows, err := c.Events.Query(ctx, `SELECT p.topic || '/' || p.partition, p.last_offset + 1 FROM relay_partitions p, relay_cursor r
		WHERE r.shard = $1 AND r.incarnation::text = $2 AND r.position >= $3 AND p.topic = ANY ($4)
			AND NOT EXISTS (SELECT FROM relay_partitions f WHERE f.topic = ANY ($4) AND f.filled_to IS NOT NULL)`,
		eventstore.Shard, start.Incarnation, start.Position, c.topics())
	if err != nil {
		return nil, fmt.Errorf("verify: read what was published: %w", err)
	}
	var ends map[string]int64
	var partition string
	var end int64
	_, err = pgx.ForEachRow(rows, []any{&partition, &end}, func() error {
		if ends == nil {
			ends = map[string]int64{}
		}
		ends[partition] = end
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("verify: read what was published: %w", err)
	}
	return ends, nil
}

// passed says whether the projection's checkpoints have come to these ends of the partitions.
func (c *comparison) passed(ctx context.Context, start eventstore.Head, ends map[string]int64) (bool, error) {
	rows, err := c.Read.Query(ctx, `SELECT c.topic || '/' || c.partition, c.next_offset FROM projection_checkpoints c JOIN projections p ON p.name = c.projection
		WHERE p.name = $1 AND p.incarnation = $2 AND c.topic = ANY ($3)`, c.name, start.Incarnation, c.topics())
	if err != nil {
		return false, fmt.Errorf("verify: read checkpoints of %s: %w", c.name, err)
	}
	read := map[string]int64{}
	var partition string
	var next int64
	_, err = pgx.ForEachRow(rows, []any{&partition, &next}, func() error {
		read[partition] = next
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("verify: read checkpoints of %s: %w", c.name, err)
	}
	for partition, end := range ends {
		if read[partition] < end {
			return false, nil
		}
	}
	return true, nil
}

// deadLetters answers the streams that the projection has set aside.
func (c *comparison) deadLetters(ctx context.Context) (map[string]bool, error) {
	rows, err := c.Read.Query(ctx, `SELECT stream_id FROM projection_dead_letters WHERE projection = $1`, c.name)
	if err != nil {
		return nil, fmt.Errorf("verify: read dead letters of %s: %w", c.name, err)
	}
	aside := map[string]bool{}
	var id string
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		aside[id] = true
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("verify: read dead letters of %s: %w", c.name, err)
	}
	return aside, nil
}

func (c *comparison) versions(ctx context.Context, ids []string) (map[string]int64, error) {
	return versionsOf(ctx, c.Read, c.projection, ids)
}

// versionsOf answers the versions of those rows that are there.
func versionsOf(ctx context.Context, db eventstore.Querier, p projection, ids []string) (map[string]int64, error) {
	key := pgx.Identifier{p.key}.Sanitize()
	rows, err := db.Query(ctx, `SELECT `+key+`, version FROM `+pgx.Identifier{p.table}.Sanitize()+` WHERE `+key+` = ANY ($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("verify: read %s: %w", p.table, err)
	}
	versions := map[string]int64{}
	var id string
	var version int64
	_, err = pgx.ForEachRow(rows, []any{&id, &version}, func() error {
		versions[id] = version
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("verify: read %s: %w", p.table, err)
	}
	return versions, nil
}
