package relay

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"ticketing/command/eventstore"
	"ticketing/internal/cloudevents"
	"ticketing/internal/kafka"
)

// errLost says that the broker numbers records anew: the partition is not the one that was published to.
var errLost = errors.New("relay: a partition has lost what was published")

// publish writes those of the page that wanted accepts, waits until the broker has acknowledged all of them, and answers the
// partitions that they went to.
func (s *session) publish(
	ctx context.Context, page []eventstore.Recorded, wanted func(*partition, int64) bool,
) (map[partitionID]*partition, error) {
	records := make([]*kgo.Record, 0, len(page))
	positions := make([]int64, 0, len(page))
	for i := range page {
		record := s.record(&page[i])
		if record == nil {
			continue
		}
		if wanted(s.partitions[partitionID{record.Topic, record.Partition}], page[i].Position) {
			records, positions = append(records, record), append(positions, page[i].Position)
		}
	}
	if len(records) == 0 {
		return map[partitionID]*partition{}, nil
	}
	ctx, span := otel.Tracer("ticketing/command/relay").Start(ctx, "relay publish", trace.WithLinks(requests(page)...),
		trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(attribute.Int("records", len(records))))
	defer span.End()
	if err := s.breaker.guard(ctx, func() error { return s.produce(ctx, records) }); err != nil {
		return nil, fmt.Errorf("relay: publish to the broker: %w", err)
	}
	return s.note(records, positions)
}

// produce answers when all records are acknowledged, or when it has waited long enough: the client itself waits for ever for the answer to
// what it has sent, and gives up only when the session closes it.
func (s *session) produce(ctx context.Context, records []*kgo.Record) error {
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

// note takes down what the broker acknowledged.
func (s *session) note(records []*kgo.Record, positions []int64) (map[partitionID]*partition, error) {
	touched := map[partitionID]*partition{}
	for i, record := range records {
		id := partitionID{record.Topic, record.Partition}
		p := s.partitions[id]
		if record.Offset <= p.lastOffset {
			return nil, fmt.Errorf("%w: %s/%d gives offset %d again", errLost, id.topic, id.index, record.Offset)
		}
		p.lastOffset, p.lastPosition = record.Offset, positions[i]
		touched[id] = p
		s.metrics.published.WithLabelValues(id.topic).Inc()
	}
	return touched, nil
}

// record answers the record of a domain event, nil when its category is not published.
func (s *session) record(r *eventstore.Recorded) *kgo.Record {
	category, _ := eventstore.SplitStreamID(r.StreamID)
	topic, ok := s.cfg.Topics[category]
	if !ok {
		return nil
	}
	event := cloudevents.Event{
		ID: r.ID(), Type: r.Type, Source: fmt.Sprintf("/ticketing/log/%d", r.Shard), Subject: r.StreamID, Time: r.RecordedAt,
		Traceparent: r.Metadata.Traceparent, Shard: r.Shard, Position: r.Position, StreamVersion: r.Version,
		SchemaVersion: r.SchemaVersion, Incarnation: s.cursor.incarnation, CorrelationID: r.Metadata.CorrelationID,
		CausationID: r.Metadata.CausationID, Actor: r.Metadata.Actor, Data: r.Data,
	}
	record := event.Record(topic)
	record.Partition = kafka.Partition(r.StreamID, s.counts[topic])
	return record
}
