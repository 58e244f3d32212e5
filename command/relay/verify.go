package relay

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/internal/cloudevents"

	"ticketing/command/relay/progress"
)

// verifyPartitions compares each partition's tail with what was published to it, and starts a refill of those that have lost records:
// all of them, the last ones or, when the number of partitions has changed, those of streams that now belong to another partition.
func (s *session) verifyPartitions(ctx context.Context) error {
	if err := s.cursor.Check(ctx, s.db); err != nil {
		return err
	}
	counts, err := s.ensureTopics(ctx)
	if err != nil {
		return err
	}
	s.counts = counts
	changed := s.adoptPartitions()

	starts, ends, err := s.listOffsets(ctx)
	if err != nil {
		return err
	}
	present := map[progress.PartitionID]int64{} // offsets of the records published last
	for id, p := range s.partitions {
		start, _ := starts.Lookup(id.Topic, id.Index)
		end, _ := ends.Lookup(id.Topic, id.Index)
		switch {
		case p.LastOffset < start.Offset: // nothing is published, or an operator has deleted it
		case p.LastOffset < end.Offset:
			present[id] = p.LastOffset
		default:
			s.markLost(id, end.Offset-1)
			changed = true
		}
	}
	lost, err := s.compareTails(ctx, present)
	if err != nil {
		return err
	}
	if changed || lost {
		if err := progress.SavePartitions(ctx, s.db, s.partitions); err != nil {
			return err
		}
	}
	s.verified = time.Now()
	return nil
}

// adoptPartitions adds new partitions, removes those that are gone, and reports whether there were any. When a topic's number of
// partitions has changed, its keys belong to other partitions, and all of it is published again.
func (s *session) adoptPartitions() bool {
	known := map[string]int32{}
	for id := range s.partitions {
		known[id.Topic]++
		if id.Index >= s.counts[id.Topic] {
			delete(s.partitions, id)
		}
	}
	changed := false
	for topic, count := range s.counts {
		if known[topic] == count {
			continue
		}
		changed = true
		for i := range count {
			id := progress.PartitionID{Topic: topic, Index: i}
			if s.partitions[id] == nil {
				s.partitions[id] = &progress.Partition{LastOffset: -1}
			}
			if s.cursor.Position > 0 {
				s.markLost(id, s.partitions[id].LastOffset)
			}
		}
	}
	return changed
}

// compareTails starts a refill of the partitions that have another record at the offset than the one that was published.
func (s *session) compareTails(ctx context.Context, offsets map[progress.PartitionID]int64) (bool, error) {
	tails, err := s.readAt(ctx, offsets)
	if err != nil {
		return false, err
	}
	lost := false
	for id, offset := range offsets {
		p, tail := s.partitions[id], tails[id]
		if p.LastPosition == progress.Unverifiable || (tail.Position == p.LastPosition && tail.Incarnation == s.cursor.Incarnation) {
			continue
		}
		s.markLost(id, offset)
		lost = true
	}
	return lost, nil
}

// markLost starts a refill of the whole partition. Its end does not show whether its beginning is complete: a relay may have published
// to a new topic before it noticed that the topic is new.
func (s *session) markLost(id progress.PartitionID, lastOffset int64) {
	p := s.partitions[id]
	p.LastOffset, p.LastPosition, p.Refills = lastOffset, progress.Unverifiable, p.Refills+1
	p.FilledTo = filledTo(0, s.cursor.Position)
	s.metrics.refills.WithLabelValues(id.Topic).Inc()
	s.cfg.Logger.Warn("the broker has lost records; the relay publishes them again", "topic", id.Topic, "partition", id.Index)
}

// readAt returns the records at the offsets. One that is not a CloudEvent of ours is the zero value.
func (s *session) readAt(ctx context.Context, offsets map[progress.PartitionID]int64) (map[progress.PartitionID]cloudevents.Event, error) {
	read := map[progress.PartitionID]cloudevents.Event{}
	if len(offsets) == 0 {
		return read, nil
	}
	from := map[string]map[int32]kgo.Offset{}
	for id, offset := range offsets {
		if from[id.Topic] == nil {
			from[id.Topic] = map[int32]kgo.Offset{}
		}
		from[id.Topic][id.Index] = kgo.NewOffset().At(offset)
	}
	client, err := kgo.NewClient(append(s.cfg.Kafka[:len(s.cfg.Kafka):len(s.cfg.Kafka)],
		kgo.ConsumePartitions(from), kgo.FetchMaxWait(100*time.Millisecond), kgo.FetchMaxPartitionBytes(1<<16))...)
	if err != nil {
		return nil, fmt.Errorf("make a client to read tails: %w", err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	for len(read) < len(offsets) {
		fetches := client.PollRecords(ctx, pageSize)
		if err := fetches.Err0(); err != nil {
			return nil, fmt.Errorf("read tails: %w", err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			id := progress.PartitionID{Topic: r.Topic, Index: r.Partition}
			if _, seen := read[id]; !seen {
				read[id], _ = cloudevents.Parse(r)
			}
		})
	}
	return read, nil
}
