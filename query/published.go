package query

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"ticketing/command/relay/progress"
	"ticketing/internal/kafka"
	"ticketing/query/db"
)

// published is how far the relay has published the log.
type published struct {
	lag        progress.Lag
	partitions map[progress.PartitionID]*progress.Partition
	counts     map[string]int32 // partitions by topic
}

// countAhead returns how many records the partition has after a checkpoint. A partition that ends where the checkpoint is, but with
// another record, is a new one: none of it is read.
func countAhead(p *progress.Partition, read db.ProjectionCheckpointsRow) int64 {
	if p == nil {
		return 0
	}
	end := p.LastOffset + 1
	known := p.LastPosition != progress.Unverifiable && read.Position > 0
	if known && ((read.NextOffset == end && read.Position != p.LastPosition) || (read.NextOffset > end && read.Position < p.LastPosition)) {
		return end
	}
	return max(0, end-read.NextOffset)
}

func (p *Projections) readPublished(ctx context.Context) (published, error) {
	lag, err := progress.ReadLag(ctx, p.events)
	if err != nil {
		return published{}, err
	}
	partitions, err := progress.ReadPartitions(ctx, p.events)
	if err != nil {
		return published{}, err
	}
	found := published{lag: lag, partitions: partitions, counts: map[string]int32{}}
	for id := range partitions {
		found.counts[id.Topic]++
	}
	return found, nil
}

// ageSQL reads the two ends of the stretch of the log that the oldest record which is not applied is in. A partition at work has it
// among the first; one that was quiet for long, and is not far behind, among the last. For one that is neither, the answer is of a
// record that is less old: it is never older than the truth.
const ageSQL = `SELECT s.n, d.stream_id, extract(epoch FROM now() - d.recorded_at)::float8
	FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS s (n, after, until)
	CROSS JOIN LATERAL (
		(SELECT stream_id, recorded_at FROM domain_events WHERE shard = 0 AND position > s.after AND position <= s.until
			ORDER BY position LIMIT 100)
		UNION ALL
		(SELECT stream_id, recorded_at FROM domain_events WHERE shard = 0 AND position > s.after AND position <= s.until
			ORDER BY position DESC LIMIT 100)) d`

// readAges finds since when partitions have been behind.
func (p *Projections) readAges(ctx context.Context, published published, statuses []ProjectionStatus) error {
	var behind []*PartitionStatus
	var numbers []int32
	var after, until []int64
	for i := range statuses {
		for j := range statuses[i].Partitions {
			partition := &statuses[i].Partitions[j]
			if partition.LagRecords == 0 {
				continue
			}
			numbers = append(numbers, int32(len(behind))) //nolint:gosec // there are far fewer
			behind = append(behind, partition)
			last := published.partitions[progress.PartitionID{Topic: partition.Topic, Index: partition.Partition}].LastPosition
			if last == progress.Unverifiable {
				last = published.lag.Published
			}
			after, until = append(after, partition.Position), append(until, last)
		}
	}
	if len(behind) == 0 {
		return nil
	}
	rows, err := p.events.Query(ctx, ageSQL, numbers, after, until)
	if err != nil {
		return fmt.Errorf("read the age of what is not applied: %w", err)
	}
	var n int
	var stream string
	var age float64
	_, err = pgx.ForEachRow(rows, []any{&n, &stream, &age}, func() error {
		partition := behind[n]
		category, _, _ := strings.Cut(stream, "-")
		if p.topics[category] == partition.Topic && kafka.Partition(stream, published.counts[partition.Topic]) == partition.Partition {
			partition.LagSeconds = max(partition.LagSeconds, age)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the age of what is not applied: %w", err)
	}
	return nil
}
