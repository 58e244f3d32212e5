package projector

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/command/eventstore"
	"ticketing/internal/cloudevents"
	"ticketing/projector/db"
)

// batch is what is written in one transaction: records, and how far they bring the checkpoints.
type batch struct {
	records []Record
	foreign []RecordError // records that are no domain events at all
	marks   []mark
	// along moves something else than checkpoints in the batch's transaction, unless it is nil.
	along func(context.Context, *db.Queries) error
}

func (b *batch) empty() bool { return len(b.records) == 0 && len(b.foreign) == 0 && len(b.marks) == 0 }

// mark moves the checkpoint of one partition, from what it is expected to be.
type mark struct {
	partitionID
	expected    int64
	next        int64
	position    int64
	incarnation string
}

func (m *mark) take(offset int64, e cloudevents.Event) {
	m.next, m.position, m.incarnation = offset+1, e.Position, e.Incarnation
}

// add takes a record up, to be decoded later, and answers its envelope, which is empty when it is none of ours.
func (b *batch) add(r *kgo.Record) cloudevents.Event {
	e, err := cloudevents.Parse(r)
	if err != nil {
		// It is nobody's next version, so that it holds nobody up. If it was a domain event once, the log has it whole.
		b.foreign = append(b.foreign, RecordError{
			StreamID: fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset), Type: "unknown", Err: err,
		})
		return cloudevents.Event{}
	}
	b.records = append(b.records, Record{Recorded: eventstore.Recorded{
		Shard: e.Shard, Position: e.Position, StreamID: e.Subject, Version: e.StreamVersion, Type: e.Type,
		SchemaVersion: e.SchemaVersion, Data: e.Data, RecordedAt: e.Time,
		Metadata: eventstore.Metadata{
			CorrelationID: e.CorrelationID, CausationID: e.CausationID, Actor: e.Actor, Traceparent: e.Traceparent,
			Incarnation: e.Incarnation,
		},
	}})
	return e
}

// decode decodes all records, on all cores: it is half of the work that a projector has with a batch.
func (b *batch) decode(registry *eventstore.Registry) {
	const together = 512
	var group sync.WaitGroup
	for some := range slices.Chunk(b.records, together) {
		group.Go(func() {
			for i := range some {
				some[i] = newRecord(registry, some[i].Recorded)
			}
		})
	}
	group.Wait()
}

// streams answers the distinct streams of the records.
func streams(records []Record) []string {
	seen := make(map[string]bool, len(records))
	ids := make([]string, 0, len(records))
	for i := range records {
		if id := records[i].StreamID; !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}
