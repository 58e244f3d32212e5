package runner

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/command/eventstore"
	"ticketing/command/relay/progress"
	"ticketing/internal/cloudevents"
	"ticketing/projector/projection"
	"ticketing/projector/tables"
)

// parseBatch verifies that the partitions are those that were read before, and turns their records into a batch.
func (s *session) parseBatch(ctx context.Context, fetches kgo.Fetches) (tables.Batch, error) {
	var b tables.Batch
	var failed error
	fetches.EachPartition(func(fetched kgo.FetchTopicPartition) {
		if failed != nil || len(fetched.Records) == 0 {
			return
		}
		id := progress.PartitionID{Topic: fetched.Topic, Index: fetched.Partition}
		first, _ := s.Keys.ParseSigned(fetched.Records[0])
		known, same := s.assignment.verify(id, fetched.Records[0].Offset, first)
		if !same {
			failed = s.rereadPartitions(ctx, id)
			return
		}
		if fetched.Records[0].Offset > known.NextOffset {
			if failed = s.checkSkipped(ctx, id, known.NextOffset); failed != nil {
				return
			}
		}
		mark := tables.Mark{PartitionID: id, Expected: known.NextOffset}
		for _, record := range fetched.Records {
			if record.Offset < known.NextOffset {
				continue // read before, and read now only to verify the partition
			}
			e := s.addRecord(&b, record)
			mark.Next, mark.Position, mark.Incarnation = record.Offset+1, e.Position, e.Incarnation
		}
		if mark.Next > 0 {
			b.Marks = append(b.Marks, mark)
		}
	})
	if failed != nil {
		return tables.Batch{}, failed
	}
	err := s.dropForeign(ctx, &b)
	decodeRecords(s.Tables.Registry, b.Records)
	return b, err
}

// addRecord adds a record, to be decoded later, and returns its envelope, an empty one if the record is no domain event or not of the relay.
// Such a record has no version and so blocks no stream. If it was a domain event once, the log still has it.
func (s *session) addRecord(b *tables.Batch, r *kgo.Record) cloudevents.Event {
	e, err := s.Keys.ParseSigned(r)
	if err != nil {
		b.Foreign = append(b.Foreign, projection.RecordError{
			StreamID: fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset), Type: "unknown", Err: err,
		})
		return cloudevents.Event{}
	}
	b.Records = append(b.Records, projection.Record{Recorded: eventstore.Recorded{
		Shard: e.Shard, Position: e.Position, StreamID: e.Subject, Version: e.StreamVersion, Type: e.Type,
		SchemaVersion: e.SchemaVersion, Data: e.Data, RecordedAt: e.Time,
		Metadata: eventstore.Metadata{
			CorrelationID: e.CorrelationID, CausationID: e.CausationID, Actor: e.Actor, Traceparent: traceparentOf(r, e.Traceparent),
			Incarnation: e.Incarnation,
		},
	}})
	return e
}

// dropForeign drops what was published from other incarnations of the log: it may never have happened.
func (s *session) dropForeign(ctx context.Context, b *tables.Batch) error {
	foreign := func(r projection.Record) bool { return r.Metadata.Incarnation != s.writer.Incarnation }
	if !slices.ContainsFunc(b.Records, foreign) {
		return nil
	}
	head, err := eventstore.ReadHead(ctx, s.Tables.Events)
	if err != nil {
		return err
	}
	if head.Incarnation != s.writer.Incarnation {
		return tables.ErrIncarnation
	}
	b.Records = slices.DeleteFunc(b.Records, foreign)
	return nil
}

// decodeRecords decodes records on all cores: this is half of a projector's work.
func decodeRecords(registry *eventstore.Registry, records []projection.Record) {
	const together = 512
	var group sync.WaitGroup
	for chunk := range slices.Chunk(records, together) {
		group.Go(func() {
			for i := range chunk {
				chunk[i] = projection.Decode(registry, chunk[i].Recorded)
			}
		})
	}
	group.Wait()
}
