package relay

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/command/eventstore"
	"ticketing/command/relay/progress"
	"ticketing/internal/cloudevents"
	"ticketing/internal/kafka"
	"ticketing/internal/telemetry"
)

// errLost says that offsets start over: the partition is not the one that was published to.
var errLost = errors.New("a partition has lost what was published")

// publishPage publishes the records of the page that wanted selects, waits until the broker has acknowledged all of them, and returns
// the partitions that they went to.
func (s *session) publishPage(
	ctx context.Context, page []eventstore.Recorded, wanted func(*progress.Partition, int64) bool,
) (map[progress.PartitionID]*progress.Partition, error) {
	records := make([]*kgo.Record, 0, len(page))
	positions := make([]int64, 0, len(page))
	for i := range page {
		record := s.newRecord(&page[i])
		if record == nil {
			continue
		}
		record.Context = requestOf(ctx, &page[i]) //nolint:fatcontext // each record has its own
		if wanted(s.partitions[progress.PartitionID{Topic: record.Topic, Index: record.Partition}], page[i].Position) {
			records, positions = append(records, record), append(positions, page[i].Position)
		}
	}
	if len(records) == 0 {
		return map[progress.PartitionID]*progress.Partition{}, nil
	}
	if err := s.breaker.guard(ctx, func() error { return s.produceRecords(ctx, records) }); err != nil {
		return nil, fmt.Errorf("publish to the broker: %w", err)
	}
	return s.recordAcks(records, positions)
}

// requestOf returns a context in which the span of publishing a record continues the trace of its request. nil, which means the context of the
// call, if no spans are exported.
func requestOf(ctx context.Context, r *eventstore.Recorded) context.Context {
	if !telemetry.Exports() || r.Metadata.Traceparent == "" {
		return nil
	}
	ctx = telemetry.WithUserID(telemetry.WithCorrelationID(ctx, r.Metadata.CorrelationID), r.Metadata.Actor)
	return telemetry.ContinueTrace(ctx, r.Metadata.Traceparent)
}

// produceRecords returns when all records are acknowledged, or after publishTimeout: the client itself waits for acknowledgements until
// the session closes it.
func (s *session) produceRecords(ctx context.Context, records []*kgo.Record) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.client.ProduceSync(ctx, records...).FirstErr() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// recordAcks updates the partitions with the acknowledged records.
func (s *session) recordAcks(records []*kgo.Record, positions []int64) (map[progress.PartitionID]*progress.Partition, error) {
	touched := map[progress.PartitionID]*progress.Partition{}
	for i, record := range records {
		id := progress.PartitionID{Topic: record.Topic, Index: record.Partition}
		p := s.partitions[id]
		if record.Offset <= p.LastOffset {
			return nil, fmt.Errorf("%w: %s/%d gives offset %d again", errLost, id.Topic, id.Index, record.Offset)
		}
		p.LastOffset, p.LastPosition = record.Offset, positions[i]
		touched[id] = p
		s.metrics.published.WithLabelValues(id.Topic).Inc()
	}
	return touched, nil
}

// signingHook signs records when all their headers are there: tracing, whose hook is called before, adds one.
type signingHook struct{ keys cloudevents.Keys }

var _ kgo.HookProduceRecordBuffered = signingHook{}

// OnProduceRecordBuffered is part of kgo.HookProduceRecordBuffered.
func (h signingHook) OnProduceRecordBuffered(record *kgo.Record) { h.keys.Sign(record) }

// newRecord returns the record of a domain event, or nil if its category is not published.
func (s *session) newRecord(r *eventstore.Recorded) *kgo.Record {
	category, _ := eventstore.SplitStreamID(r.StreamID)
	topic, ok := s.cfg.Topics[category]
	if !ok {
		return nil
	}
	event := cloudevents.Event{
		ID: r.ID(), Type: r.Type, Source: fmt.Sprintf("/ticketing/log/%d", r.Shard), Subject: r.StreamID, Time: r.RecordedAt,
		Traceparent: r.Metadata.Traceparent, Shard: r.Shard, Position: r.Position, StreamVersion: r.Version,
		SchemaVersion: r.SchemaVersion, Incarnation: s.cursor.Incarnation, CorrelationID: r.Metadata.CorrelationID,
		CausationID: r.Metadata.CausationID, Actor: r.Metadata.Actor, Data: r.Data,
	}
	record := event.Record(topic)
	record.Partition = kafka.Partition(r.StreamID, s.counts[topic])
	return record
}
