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
	"ticketing/projector/projection"
	"ticketing/projector/tables"
)

// pollEvery is the time between two looks at how far a projection is.
const pollEvery = 100 * time.Millisecond

// awaitProjections waits, for all projections together, until they have applied everything that was in the log at the beginning of the run.
func (r *run) awaitProjections(ctx context.Context) error {
	all := map[string]projection.Projection{}
	for _, t := range r.expected.tables() {
		all[t.projection.Name()] = t.projection
		r.lags[t.projection.Name()] = &lag{}
	}
	for until := time.Now().Add(r.Wait); ; {
		for name, p := range all {
			if err := r.readLag(ctx, p); err != nil {
				return err
			}
			if r.lags[name].passed {
				delete(all, name)
			}
		}
		if len(all) == 0 || time.Now().After(until) {
			return nil
		}
		if err := wait.For(ctx, pollEvery); err != nil {
			return fmt.Errorf("wait for the projections: %w", err)
		}
	}
}

// readLag notes how far a projection is.
func (r *run) readLag(ctx context.Context, p projection.Projection) (err error) {
	l := r.lags[p.Name()]
	live, err := db.New(r.Read).Projection(ctx, p.Name())
	if errors.Is(err, pgx.ErrNoRows) {
		l.passed = r.start.Position == 0
		return nil // it has never run
	}
	if err != nil {
		return fmt.Errorf("read projection %s: %w", p.Name(), err)
	}
	if l.foreign = ""; live.Incarnation != r.start.Incarnation {
		l.foreign = live.Incarnation
		return nil
	}
	if l.ends == nil {
		if l.ends, err = r.publishedEnds(ctx, p); err != nil {
			return err
		}
	}
	l.passed = r.start.Position == 0
	if l.ends != nil && !live.Incomplete {
		l.passed, err = r.hasPassed(ctx, p, l.ends)
	}
	return err
}

func (r *run) topics(p projection.Projection) map[string]bool {
	topics := map[string]bool{}
	for _, category := range p.Categories() {
		topics[r.Topics[category]] = true
	}
	return topics
}

// publishedEnds returns where the projection's partitions end, nil if the relay has not published all that was in the log at the
// beginning of the run.
func (r *run) publishedEnds(ctx context.Context, p projection.Projection) (map[progress.PartitionID]int64, error) {
	cursor, err := progress.ReadCursor(ctx, r.Events)
	if err != nil || cursor.Incarnation != r.start.Incarnation || cursor.Position < r.start.Position {
		return nil, err
	}
	partitions, err := progress.ReadPartitions(ctx, r.Events)
	if err != nil {
		return nil, err
	}
	topics, ends := r.topics(p), map[progress.PartitionID]int64{}
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
func (r *run) hasPassed(ctx context.Context, p projection.Projection, ends map[progress.PartitionID]int64) (bool, error) {
	checkpoints, err := db.New(r.Read).Checkpoints(ctx, p.Name())
	if err != nil {
		return false, fmt.Errorf("read checkpoints of %s: %w", p.Name(), err)
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
	return true, nil
}

// reportProjections reports dead letters, and projections that show another incarnation of the log: their tables are not compared.
func (r *run) reportProjections(ctx context.Context) error {
	for _, name := range sortedKeys(r.lags) {
		if foreign := r.lags[name].foreign; foreign != "" {
			r.report.add(Finding{Kind: Behind, Table: name, Column: "incarnation", Log: r.start.Incarnation, Row: foreign})
		}
		letters, err := tables.DeadLetters(ctx, r.Read, name)
		if err != nil {
			return err
		}
		for _, letter := range letters {
			r.report.add(Finding{
				Kind: Dead, Table: name, Key: letter.StreamID,
				Text: fmt.Sprintf("version %d, %s, can't be applied: %s", letter.Version, letter.Type, letter.Error),
			})
		}
	}
	return nil
}

// blockedStreams returns the streams of the projection that wait, and what for.
func (c *comparison) blockedStreams(ctx context.Context) (map[string]string, error) {
	letters, err := tables.DeadLetters(ctx, c.Read, c.projection.Name())
	if err != nil {
		return nil, err
	}
	blocked := make(map[string]string, len(letters))
	for _, letter := range letters {
		blocked[letter.StreamID] = "waits behind a dead letter"
	}
	backlog, err := db.New(c.Read).Backlog(ctx, c.projection.Name())
	if err != nil {
		return nil, fmt.Errorf("read the backlog of %s: %w", c.projection.Name(), err)
	}
	for _, streamID := range backlog {
		blocked[streamID] = "its rows are being written"
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
