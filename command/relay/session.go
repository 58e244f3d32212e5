package relay

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"ticketing/command/eventstore"
	"ticketing/command/relay/progress"
	"ticketing/internal/wait"
)

// session is the work of a relay that holds the lease, up to the first fault.
type session struct {
	cfg     Config
	db      progress.DB
	metrics *metrics
	breaker *breaker

	client     *kgo.Client
	admin      *kadm.Client
	cursor     progress.Cursor
	counts     map[string]int32 // partitions by topic
	partitions map[progress.PartitionID]*progress.Partition
	verified   time.Time
}

// open reads the cursor and the partitions, and compares them with the broker.
func (s *session) open(ctx context.Context) (err error) {
	if s.cursor, err = progress.LoadCursor(ctx, s.db); err != nil {
		return err
	}
	if s.partitions, err = progress.ReadPartitions(ctx, s.db); err != nil {
		return err
	}
	// Each session has a new client: one that has seen a topic deleted refuses to write to a new topic of that name.
	s.client, err = kgo.NewClient(append(slices.Clone(s.cfg.Kafka),
		kgo.RequiredAcks(kgo.AllISRAcks()), // with idempotent writes, which are the default: no gaps, no reordering
		kgo.ProducerLinger(0),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MaxBufferedRecords(2*pageSize),
		kgo.UnknownTopicRetries(3),
		kgo.MetadataMinAge(metadataAge),
		kgo.MaxVersions(producingByName()),
		kgo.WithHooks(signingHook{s.cfg.Keys}),
	)...)
	if err != nil {
		return fmt.Errorf("make a broker client: %w", err)
	}
	s.admin = kadm.NewClient(s.client)
	if err := s.verifyPartitions(ctx); err != nil {
		s.client.Close()
		return err
	}
	return nil
}

// producingByName returns the versions of the protocol in which produce requests name topics by name. A request with two unknown topic
// ids, as after all topics were deleted and created again, makes kfake, the broker of laptops and tests, panic (v0.0.0-20260918054303).
func producingByName() *kversion.Versions {
	const produce, lastWithNames = 0, 12
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(produce, lastWithNames)
	return versions
}

// publishUntilFault publishes what is new and, page by page in between, what partitions have lost.
func (s *session) publishUntilFault(ctx context.Context) error {
	idle := shortestIdle
	for {
		if time.Since(s.verified) > verifyEvery {
			if err := s.verifyPartitions(ctx); err != nil {
				return err
			}
		}
		news, err := s.publishNews(ctx)
		if err != nil {
			return err
		}
		filling, err := s.refillPartitions(ctx)
		if err != nil {
			return err
		}
		switch {
		case news || filling:
			idle = shortestIdle
		default:
			_ = wait.For(ctx, idle)
			idle = min(2*idle, longestIdle)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// publishNews publishes the page after the cursor, moves the cursor, and reports whether there was any. Partitions that are being filled
// again get the news too, ahead of what they have lost: readers have most of that, and must not show what is old until all of it is there.
func (s *session) publishNews(ctx context.Context) (bool, error) {
	page, err := eventstore.ReadAll(ctx, s.db, s.cursor.Position, pageSize)
	if err != nil {
		return false, err
	}
	if len(page) == 0 {
		return false, nil
	}
	touched, err := s.publishPage(ctx, page, func(*progress.Partition, int64) bool { return true })
	if err != nil {
		return false, err
	}
	to := page[len(page)-1].Position
	if err := s.cursor.Move(ctx, s.db, to, touched); err != nil {
		return false, err
	}
	s.cursor.Position = to
	return true, nil
}

// refillPartitions publishes a page of what partitions have lost, and reports whether there was any. A partition is complete when it
// reaches the cursor.
func (s *session) refillPartitions(ctx context.Context) (bool, error) {
	lost := map[progress.PartitionID]*progress.Partition{}
	from := s.cursor.Position
	for id, p := range s.partitions {
		if p.FilledTo != nil {
			lost[id] = p
			from = min(from, *p.FilledTo)
		}
	}
	if len(lost) == 0 {
		return false, nil
	}
	page, err := eventstore.ReadAll(ctx, s.db, from, pageSize)
	if err != nil {
		return false, err
	}
	beyond, _ := slices.BinarySearchFunc(page, s.cursor.Position+1, func(r eventstore.Recorded, position int64) int {
		return int(r.Position - position)
	})
	page = page[:beyond]
	_, err = s.publishPage(ctx, page, func(p *progress.Partition, position int64) bool { return p.FilledTo != nil && position > *p.FilledTo })
	if err != nil {
		return false, err
	}
	reached := s.cursor.Position
	if len(page) > 0 {
		reached = page[len(page)-1].Position
	}
	for _, p := range lost {
		p.FilledTo = filledTo(max(reached, *p.FilledTo), s.cursor.Position)
	}
	return true, s.cursor.Move(ctx, s.db, s.cursor.Position, lost)
}

// filledTo returns a partition's FilledTo: nil if it has reached the cursor.
func filledTo(reached, cursor int64) *int64 {
	if reached >= cursor {
		return nil
	}
	return &reached
}
