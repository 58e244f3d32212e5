package relay

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"ticketing/command/eventstore"
	"ticketing/internal/wait"
)

// session is the work of one holder of the lease, up to its first fault.
type session struct {
	cfg     Config
	conn    *pgx.Conn
	metrics *metrics
	breaker *breaker

	client     *kgo.Client
	admin      *kadm.Client
	cursor     cursor
	counts     map[string]int32 // partitions by topic
	partitions map[partitionID]*partition
	verified   time.Time
}

// open finds out where log and broker stand.
func (s *session) open(ctx context.Context) (err error) {
	if s.cursor, err = loadCursor(ctx, s.conn); err != nil {
		return err
	}
	if s.partitions, err = loadPartitions(ctx, s.conn); err != nil {
		return err
	}
	// A new client for every session: one that has seen a topic deleted refuses to write into its successor.
	s.client, err = kgo.NewClient(append(slices.Clone(s.cfg.Kafka),
		kgo.RequiredAcks(kgo.AllISRAcks()), // with idempotent writes, which are the default: no gaps, no reordering
		kgo.ProducerLinger(0),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.MaxBufferedRecords(2*pageSize),
		kgo.UnknownTopicRetries(3),
		kgo.MetadataMinAge(metadataAge),
		kgo.MaxVersions(producingByName()),
	)...)
	if err != nil {
		return fmt.Errorf("relay: make a broker client: %w", err)
	}
	s.admin = kadm.NewClient(s.client)
	if err := s.verify(ctx); err != nil {
		s.client.Close()
		return err
	}
	return nil
}

// producingByName is all of the protocol, but with topics named by name in what is produced. Two topics of unknown id in one request
// make kfake, the broker of laptops and tests, panic (v0.0.0-20260918054303), and two is what a deleted and remade broker has.
func producingByName() *kversion.Versions {
	const produce, lastWithNames = 0, 12
	versions := kversion.Stable()
	versions.SetMaxKeyVersion(produce, lastWithNames)
	return versions
}

// run publishes what is new and, a page at a time in between, what partitions have lost.
func (s *session) run(ctx context.Context) error {
	idle := shortestIdle
	for {
		if time.Since(s.verified) > verifyEvery {
			if err := s.verify(ctx); err != nil {
				return err
			}
		}
		news, err := s.publishNews(ctx)
		if err != nil {
			return err
		}
		filling, err := s.refill(ctx)
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

// publishNews publishes a page behind the cursor and moves the cursor. Partitions that are being filled again are left out: their
// records come in order, by refill.
func (s *session) publishNews(ctx context.Context) (bool, error) {
	page, err := eventstore.ReadAll(ctx, s.conn, s.cursor.position, pageSize)
	if err != nil {
		return false, fmt.Errorf("relay: %w", err)
	}
	if len(page) == 0 {
		return false, nil
	}
	touched, err := s.publish(ctx, page, func(p *partition, _ int64) bool { return p.filledTo == nil })
	if err != nil {
		return false, err
	}
	to := page[len(page)-1].Position
	if err := moveCursor(ctx, s.conn, s.cursor, to, touched); err != nil {
		return false, err
	}
	s.cursor.position = to
	return true, nil
}

// refill publishes a page of what lost partitions lack. They are whole again when they reach the cursor.
func (s *session) refill(ctx context.Context) (bool, error) {
	lost := map[partitionID]*partition{}
	from := s.cursor.position
	for id, p := range s.partitions {
		if p.filledTo != nil {
			lost[id] = p
			from = min(from, *p.filledTo)
		}
	}
	if len(lost) == 0 {
		return false, nil
	}
	page, err := eventstore.ReadAll(ctx, s.conn, from, pageSize)
	if err != nil {
		return false, fmt.Errorf("relay: %w", err)
	}
	beyond, _ := slices.BinarySearchFunc(page, s.cursor.position+1, func(r eventstore.Recorded, position int64) int {
		return int(r.Position - position)
	})
	page = page[:beyond]
	_, err = s.publish(ctx, page, func(p *partition, position int64) bool { return p.filledTo != nil && position > *p.filledTo })
	if err != nil {
		return false, err
	}
	reached := s.cursor.position
	if len(page) > 0 {
		reached = page[len(page)-1].Position
	}
	for _, p := range lost {
		p.filledTo = filledTo(max(reached, *p.filledTo), s.cursor.position)
	}
	return true, moveCursor(ctx, s.conn, s.cursor, s.cursor.position, lost)
}

// filledTo is nil, whole again, when the partition has reached the cursor.
func filledTo(reached, cursor int64) *int64 {
	if reached >= cursor {
		return nil
	}
	return &reached
}
