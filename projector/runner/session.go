package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/command/relay/progress"
	"ticketing/projector/tables"
)

// errReread says that a partition is not the one that was read before.
var errReread = errors.New("a partition has been replaced; it is read again from its start")

// session is a membership in the consumer group, up to the first fault.
type session struct {
	*runner

	writer     *tables.Writer
	assignment *assignment
	client     *kgo.Client
	checked    time.Time // when checkPublished was last done
}

// runSession joins the group and works until a fault. It calls works after each poll without one.
func (r *runner) runSession(ctx context.Context, works func()) error {
	writer, err := r.openTables(ctx)
	if err != nil {
		return err
	}
	s := &session{runner: r, writer: writer, assignment: newAssignment(r, writer.Generation())}
	if s.client, err = s.joinGroup(); err != nil {
		return err
	}
	defer s.client.CloseAllowingRebalance()
	working, end := context.WithCancelCause(ctx)
	var beside sync.WaitGroup
	defer beside.Wait()
	defer end(nil)
	for _, work := range []func(context.Context) error{writer.WorkBacklog, s.fillIncomplete} {
		beside.Go(func() {
			if err := work(working); err != nil {
				end(err)
			}
		})
	}
	err = s.followTopics(working, works)
	if fault := context.Cause(working); fault != nil && ctx.Err() == nil {
		return fault
	}
	return err
}

// followTopics reads the topics until a fault.
func (s *session) followTopics(ctx context.Context, works func()) error {
	if err := s.checkStarts(ctx); err != nil {
		return err
	}
	for ctx.Err() == nil {
		if err := s.pollBatch(ctx); err != nil {
			return err
		}
		works()
		if err := s.checkPublished(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) joinGroup() (*kgo.Client, error) {
	client, err := kgo.NewClient(append(slices.Clone(s.Kafka),
		kgo.ConsumerGroup(s.groupName()),
		kgo.InstanceID(s.member),
		kgo.ConsumeTopics(s.topics...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(sessionTimeout),
		kgo.RebalanceTimeout(rebalanceTimeout),
		kgo.HeartbeatInterval(sessionTimeout/5),
		kgo.FetchMaxBytes(fetchBytes),
		kgo.BlockRebalanceOnPoll(), // a batch is written while its partitions are certainly ours
		kgo.DisableAutoCommit(),    // checkpoints are in PostgreSQL
		kgo.AdjustFetchOffsetsFn(s.assignment.begin),
		kgo.OnPartitionsRevoked(s.assignment.end),
		kgo.OnPartitionsLost(s.assignment.end),
		kgo.MetadataMinAge(250*time.Millisecond),
		kgo.MetadataMaxAge(2*time.Second), // a topic that the relay has just made must not wait for minutes
	)...)
	if err != nil {
		return nil, fmt.Errorf("make a broker client: %w", err)
	}
	return client, nil
}

// pollBatch fetches a batch from the broker and writes it.
func (s *session) pollBatch(ctx context.Context) error {
	polling, cancel := context.WithTimeout(ctx, pollFor)
	defer cancel()
	fetches := s.client.PollRecords(polling, batchSize)
	defer s.client.AllowRebalance()

	for _, fault := range fetches.Errors() {
		if errors.Is(fault.Err, context.DeadlineExceeded) || errors.Is(fault.Err, context.Canceled) {
			continue
		}
		return fmt.Errorf("fetch from %s/%d: %w", fault.Topic, fault.Partition, fault.Err)
	}
	b, err := s.parseBatch(ctx, fetches)
	if err != nil || b.Empty() {
		return err
	}
	began := time.Now()
	writing, endSpans := startSpans(ctx, s.projection.Name(), b.Records)
	err = s.writer.Write(writing, b)
	endSpans(err)
	if err != nil {
		return err
	}
	s.assignment.moveCheckpoints(b.Marks)
	s.metrics.observeBatch(s.projection.Name(), len(b.Records), time.Since(began))
	return nil
}

// rereadPartitions sets the partitions' checkpoints back. It always returns an error, so that the next session begins there.
func (s *session) rereadPartitions(ctx context.Context, ids ...progress.PartitionID) error {
	var b tables.Batch
	for _, id := range ids {
		b.Marks = append(b.Marks, tables.Mark{PartitionID: id, Expected: s.assignment.checkpoint(id).NextOffset})
	}
	if err := s.writer.Write(ctx, b); err != nil {
		return err
	}
	return fmt.Errorf("%w: %s/%d", errReread, ids[0].Topic, ids[0].Index)
}

// checkTimeout bounds checkPublished, which batches wait for.
const checkTimeout = 2 * time.Second

// checkPublished checks once a second whether the log has a new incarnation or the relay has filled partitions again.
func (s *session) checkPublished(ctx context.Context) error {
	if time.Since(s.checked) < time.Second {
		return nil
	}
	s.checked = time.Now()
	reading, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	published, err := readPublished(reading, s.Tables.Events)
	if err != nil {
		if ctx.Err() == nil {
			s.log.Debug("the events database can't be read", "error", err)
		}
		return nil // what is in the broker can be projected without it
	}
	if published.incarnation != s.writer.Incarnation {
		return tables.ErrIncarnation
	}
	if ids := s.assignment.refilled(published.refills); len(ids) > 0 {
		return s.rereadPartitions(ctx, ids...) // all at once: the next session starts from the present numbers
	}
	return nil
}
