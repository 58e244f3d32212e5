package relay

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/internal/cloudevents"
)

// verify compares each partition's tail with what was published to it, and marks for refill what has lost something: the topic,
// only its end, or (with a changed number of partitions) the place where readers would look for a stream's records.
func (s *session) verify(ctx context.Context) error {
	if err := s.cursor.check(ctx, s.conn); err != nil {
		return err
	}
	counts, err := s.ensureTopics(ctx)
	if err != nil {
		return err
	}
	s.counts = counts
	changed := s.adoptPartitions()

	starts, ends, err := s.ends(ctx)
	if err != nil {
		return err
	}
	present := map[partitionID]int64{} // where the record published last should be
	for id, p := range s.partitions {
		start, _ := starts.Lookup(id.topic, id.index)
		end, _ := ends.Lookup(id.topic, id.index)
		switch {
		case p.lastOffset < start.Offset: // nothing published yet, or an operator let it go
		case p.lastOffset < end.Offset:
			present[id] = p.lastOffset
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
		if err := savePartitions(ctx, s.conn, s.partitions); err != nil {
			return err
		}
	}
	s.verified = time.Now()
	return nil
}

// adoptPartitions takes up new partitions and forgets gone ones. When a topic's number of partitions has changed, its keys have
// moved, and all of it is published again to where they are now.
func (s *session) adoptPartitions() bool {
	known := map[string]int32{}
	for id := range s.partitions {
		known[id.topic]++
		if id.index >= s.counts[id.topic] {
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
			id := partitionID{topic, i}
			if s.partitions[id] == nil {
				s.partitions[id] = &partition{lastOffset: -1}
			}
			if s.cursor.position > 0 {
				s.markLost(id, s.partitions[id].lastOffset)
			}
		}
	}
	return changed
}

// compareTails reads the records at the offsets and marks the partitions where another record stands than the one published.
func (s *session) compareTails(ctx context.Context, offsets map[partitionID]int64) (bool, error) {
	tails, err := s.readAt(ctx, offsets)
	if err != nil {
		return false, err
	}
	lost := false
	for id, offset := range offsets {
		p, tail := s.partitions[id], tails[id]
		if p.lastPosition == unverifiable || (tail.Position == p.lastPosition && tail.Incarnation == s.cursor.incarnation) {
			continue
		}
		s.markLost(id, offset)
		lost = true
	}
	return lost, nil
}

// markLost lets refill publish again all that the partition should hold. That its beginning is still what it was can't be told from
// its end: a relay may have published to a new topic before anybody noticed that it is new.
func (s *session) markLost(id partitionID, lastOffset int64) {
	p := s.partitions[id]
	p.lastOffset, p.lastPosition, p.refills = lastOffset, unverifiable, p.refills+1
	p.filledTo = filledTo(0, s.cursor.position)
	s.metrics.refills.WithLabelValues(id.topic).Inc()
	s.cfg.Logger.Warn("the broker has lost records; they are published again from the log", "topic", id.topic, "partition", id.index)
}

// readAt answers the records at the given offsets; one that is no CloudEvent of ours is the zero value.
func (s *session) readAt(ctx context.Context, offsets map[partitionID]int64) (map[partitionID]cloudevents.Event, error) {
	read := map[partitionID]cloudevents.Event{}
	if len(offsets) == 0 {
		return read, nil
	}
	from := map[string]map[int32]kgo.Offset{}
	for id, offset := range offsets {
		if from[id.topic] == nil {
			from[id.topic] = map[int32]kgo.Offset{}
		}
		from[id.topic][id.index] = kgo.NewOffset().At(offset)
	}
	client, err := kgo.NewClient(append(s.cfg.Kafka[:len(s.cfg.Kafka):len(s.cfg.Kafka)],
		kgo.ConsumePartitions(from), kgo.FetchMaxWait(100*time.Millisecond), kgo.FetchMaxPartitionBytes(1<<16))...)
	if err != nil {
		return nil, fmt.Errorf("relay: make a client to read tails: %w", err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	for len(read) < len(offsets) {
		fetches := client.PollRecords(ctx, pageSize)
		if err := fetches.Err0(); err != nil {
			return nil, fmt.Errorf("relay: read tails: %w", err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			id := partitionID{r.Topic, r.Partition}
			if _, seen := read[id]; !seen {
				read[id], _ = cloudevents.Parse(r)
			}
		})
	}
	return read, nil
}
