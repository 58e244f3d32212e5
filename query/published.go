package query

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"ticketing/internal/kafka"
	"ticketing/query/db"
)

// published is what the log's database says about the broker.
type published struct {
	position     int64   // of the log, up to which it is published
	waiting      int64   // domain events behind that
	waitingSince float64 // age of the oldest of them in seconds
	partitions   map[partitionID]tail
	counts       map[string]int32 // partitions by topic
}

type partitionID struct {
	topic string
	index int32
}

// tail is the end of a partition.
type tail struct {
	end          int64 // offset after the last record
	lastPosition int64 // of the last record, 0 when the relay has yet to find out
}

// ahead answers how many records the partition has that are not read. One that ends where the reader is, but with another record than
// the one that the reader knows, is a new partition: nothing of it is read.
func (t tail) ahead(read db.ProjectionCheckpointsRow) int64 {
	known := t.lastPosition > 0 && read.Position > 0
	if known && ((read.NextOffset == t.end && read.Position != t.lastPosition) ||
		(read.NextOffset > t.end && read.Position < t.lastPosition)) {
		return t.end
	}
	return max(0, t.end-read.NextOffset)
}

const waitingSQL = `WITH c AS (SELECT coalesce((SELECT position FROM relay_cursor WHERE shard = 0), 0) AS position)
	SELECT c.position,
		coalesce((SELECT d.position FROM domain_events d WHERE d.shard = 0 ORDER BY d.position DESC LIMIT 1), 0) - c.position,
		coalesce((SELECT extract(epoch FROM now() - d.recorded_at)::float8 FROM domain_events d
			WHERE d.shard = 0 AND d.position > c.position ORDER BY d.position LIMIT 1), 0)
	FROM c`

func (p *Projections) readPublished(ctx context.Context) (published, error) {
	found := published{partitions: map[partitionID]tail{}, counts: map[string]int32{}}
	if err := p.events.QueryRow(ctx, waitingSQL).Scan(&found.position, &found.waiting, &found.waitingSince); err != nil {
		return found, fmt.Errorf("read what is not published: %w", err)
	}
	found.waiting, found.waitingSince = max(0, found.waiting), max(0, found.waitingSince)
	rows, err := p.events.Query(ctx, `SELECT topic, partition, last_offset + 1, last_position FROM relay_partitions`)
	if err != nil {
		return found, fmt.Errorf("read what is published: %w", err)
	}
	var id partitionID
	var t tail
	_, err = pgx.ForEachRow(rows, []any{&id.topic, &id.index, &t.end, &t.lastPosition}, func() error {
		found.partitions[id] = t
		found.counts[id.topic]++
		return nil
	})
	if err != nil {
		return found, fmt.Errorf("read what is published: %w", err)
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
			last := published.partitions[partitionID{partition.Topic, partition.Partition}].lastPosition
			if last == 0 {
				last = published.position
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
