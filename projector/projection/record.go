package projection

import (
	"fmt"

	"ticketing/command/eventstore"
)

// Record is a domain event on its way into the read tables.
type Record struct {
	eventstore.Recorded
	Event     any   // the decoded domain event, nil if it can't be decoded
	undecoded error // why not
}

// Decode decodes a record. One that can't be decoded causes an error only when it is next in its stream: it may have been applied long
// ago.
func Decode(registry *eventstore.Registry, r eventstore.Recorded) Record {
	e, err := registry.Decode(r.Type, r.SchemaVersion, r.Data)
	return Record{Recorded: r, Event: e, undecoded: err}
}

// Category returns the category of the record's stream.
func (r *Record) Category() string {
	category, _ := eventstore.SplitStreamID(r.StreamID)
	return category
}

// AggregateID returns the id of the record's aggregate: the stream's id without its category.
func (r *Record) AggregateID() string {
	_, id := eventstore.SplitStreamID(r.StreamID)
	return id
}

// Fail returns the error of a record that can't be applied because of err.
func (r *Record) Fail(err error) *RecordError {
	return &RecordError{StreamID: r.StreamID, Version: r.Version, Position: r.Position, Type: r.Type, Err: err}
}

// Misplaced returns the error of a domain event that its stream can't have at this version.
func (r *Record) Misplaced() error {
	return fmt.Errorf("%s can't be version %d of its stream", r.Type, r.Version)
}

// RecordError says that a domain event can't be applied, and that trying again does not help.
type RecordError struct {
	StreamID string
	Version  int64
	Position int64
	Type     string
	Err      error
}

func (e *RecordError) Error() string {
	return fmt.Sprintf("apply %s, version %d of %s: %v", e.Type, e.Version, e.StreamID, e.Err)
}

func (e *RecordError) Unwrap() error { return e.Err }

// GapError says which streams skip versions, and the versions of their rows. What is missing can be read from the log.
type GapError struct{ Streams map[string]int64 }

func (e *GapError) Error() string { return fmt.Sprintf("%d streams skip versions", len(e.Streams)) }

// AggregateIDs returns the distinct ids of the batch's aggregates, sorted: rows are locked in the same order everywhere.
func AggregateIDs(batch []Record) []string {
	ids := make([]string, len(batch))
	for i := range batch {
		ids[i] = batch[i].AggregateID()
	}
	return Distinct(ids)
}

// Streams returns the distinct ids of the batch's streams.
func Streams(batch []Record) []string {
	seen := make(map[string]bool, len(batch))
	ids := make([]string, 0, len(batch))
	for i := range batch {
		if id := batch[i].StreamID; !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids
}
