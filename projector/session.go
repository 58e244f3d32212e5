package projector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/command/eventstore"
	"ticketing/internal/cloudevents"
)

// errReread says that a partition is not the one that was read before: its checkpoint was set back to the start.
var errReread = errors.New("projector: a partition has become another one; it is read again from its start")

// session is a membership in the consumer group, up to the first fault.
type session struct {
	*runner
	writer     *writer
	assignment *assignment
	client     *kgo.Client
	looked     time.Time
}

// session joins the group and works until something goes wrong. works is called when it does not.
func (r *runner) session(ctx context.Context, works func()) error {
	writer, err := r.prepare(ctx)
	if err != nil {
		return err
	}
	s := &session{runner: r, writer: writer, assignment: newAssignment(r, writer.generation)}
	s.client, err = kgo.NewClient(append(slices.Clone(r.cfg.Kafka),
		kgo.ConsumerGroup(r.cfg.Group+"-"+r.projection.Name()),
		kgo.ConsumeTopics(r.topics...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(sessionTimeout),
		kgo.HeartbeatInterval(sessionTimeout/5),
		kgo.BlockRebalanceOnPoll(), // a batch is written while its partitions are certainly ours
		kgo.DisableAutoCommit(),    // offsets stand in PostgreSQL
		kgo.AdjustFetchOffsetsFn(s.assignment.begin),
		kgo.OnPartitionsRevoked(s.assignment.end),
		kgo.OnPartitionsLost(s.assignment.end),
		kgo.MetadataMinAge(250*time.Millisecond),
		kgo.MetadataMaxAge(2*time.Second), // a topic that the relay has just made must not wait for minutes
	)...)
	if err != nil {
		return fmt.Errorf("projector: make a broker client: %w", err)
	}
	defer s.client.CloseAllowingRebalance()

	for ctx.Err() == nil {
		if err := s.poll(ctx); err != nil {
			return err
		}
		works()
		if err := s.look(ctx); err != nil {
			return err
		}
	}
	return nil
}

// poll takes a batch from the broker and writes it.
func (s *session) poll(ctx context.Context) error {
	patience, cancel := context.WithTimeout(ctx, lookEvery)
	defer cancel()
	fetches := s.client.PollRecords(patience, batchSize)
	defer s.client.AllowRebalance()

	for _, fault := range fetches.Errors() {
		if errors.Is(fault.Err, context.DeadlineExceeded) || errors.Is(fault.Err, context.Canceled) {
			continue
		}
		return fmt.Errorf("projector: fetch from %s/%d: %w", fault.Topic, fault.Partition, fault.Err)
	}
	b, err := s.parse(ctx, fetches)
	if err != nil || b.empty() {
		return err
	}
	began := time.Now()
	end := startSpans(ctx, s.projection.Name(), b.records)
	err = s.writer.write(ctx, b)
	end(err)
	if err != nil {
		return err
	}
	s.assignment.moved(b.marks)
	s.metrics.batch(s.projection.Name(), len(b.records), time.Since(began))
	return nil
}

// parse checks that the partitions are those that were read before and turns their records into a batch.
func (s *session) parse(ctx context.Context, fetches kgo.Fetches) (batch, error) {
	var b batch
	var failed error
	fetches.EachPartition(func(fetched kgo.FetchTopicPartition) {
		if failed != nil || len(fetched.Records) == 0 {
			return
		}
		id := partitionID{fetched.Topic, fetched.Partition}
		first, _ := cloudevents.Parse(fetched.Records[0])
		known, same := s.assignment.verify(id, fetched.Records[0].Offset, first)
		if !same {
			failed = s.reread(ctx, id)
			return
		}
		mark := mark{partitionID: id, expected: known.NextOffset}
		for _, record := range fetched.Records {
			if record.Offset < known.NextOffset {
				continue // read before, and read now to see that it is the same
			}
			mark.take(record.Offset, b.add(record))
		}
		if mark.next > 0 {
			b.marks = append(b.marks, mark)
		}
	})
	if failed != nil {
		return batch{}, failed
	}
	err := s.dropForeign(ctx, &b)
	b.decode(s.cfg.Registry)
	return b, err
}

// dropForeign leaves out what was published of other incarnations of the log: it may never have happened.
func (s *session) dropForeign(ctx context.Context, b *batch) error {
	foreign := func(r Record) bool { return r.Metadata.Incarnation != s.writer.incarnation }
	if !slices.ContainsFunc(b.records, foreign) {
		return nil
	}
	head, err := eventstore.ReadHead(ctx, s.cfg.Events)
	if err != nil {
		return fmt.Errorf("projector: %w", err)
	}
	if head.Incarnation != s.writer.incarnation {
		return errIncarnation
	}
	b.records = slices.DeleteFunc(b.records, foreign)
	return nil
}

// reread sets the partitions' checkpoints back. The session ends with it, so that the next one begins there.
func (s *session) reread(ctx context.Context, ids ...partitionID) error {
	var b batch
	for _, id := range ids {
		b.marks = append(b.marks, mark{partitionID: id, expected: s.assignment.checkpoint(id).NextOffset})
	}
	if err := s.writer.write(ctx, b); err != nil {
		return err
	}
	return fmt.Errorf("%w: %s/%d", errReread, ids[0].topic, ids[0].index)
}

// look finds out, now and then, whether the log has become another one or the broker had to be filled again.
func (s *session) look(ctx context.Context) error {
	if time.Since(s.looked) < lookEvery {
		return nil
	}
	s.looked = time.Now()
	published, err := readPublished(ctx, s.cfg.Events)
	if err != nil {
		if ctx.Err() == nil {
			s.log.Debug("the events database can't be asked how far the log is published", "error", err)
		}
		return nil // what is in the broker can be projected without it
	}
	if published.incarnation != s.writer.incarnation {
		return errIncarnation
	}
	var refilled []partitionID
	for id, known := range s.assignment.all() {
		if known.refills != published.refills[id] {
			refilled = append(refilled, id)
		}
	}
	if len(refilled) > 0 { // all at once: the next session takes the present numbers for granted
		return s.reread(ctx, refilled...)
	}
	return nil
}
