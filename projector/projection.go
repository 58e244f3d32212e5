package projector

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"ticketing/command/eventstore"
	"ticketing/internal/announce"
)

// Projection turns the domain events of one or several categories of streams into rows.
type Projection interface {
	// Name is what operators call it. It is also part of its consumer group.
	Name() string
	// Categories are those of the streams which it follows. Records of different streams come in any order, also between categories.
	Categories() []string
	// Tables are those that it alone writes.
	Tables() []string
	// Apply folds the batch in memory and writes the changed rows in a few statements. A row takes only the version after its own:
	// lower ones are passed over, for delivery may repeat; higher ones are answered with a GapError, before anything is written.
	// A domain event that can't be applied is answered with a RecordError. It answers what changed.
	Apply(ctx context.Context, tx pgx.Tx, batch []Record) ([]announce.Change, error)
}

// projections are all there are, by name.
var projections = byName(events{}, availability{}, reservations{}, payments{}, sales{}, customers{})

func byName(all ...Projection) map[string]Projection {
	named := make(map[string]Projection, len(all))
	for _, p := range all {
		named[p.Name()] = p
	}
	return named
}

// Names answers the names of all projections, sorted.
func Names() []string { return slices.Sorted(maps.Keys(projections)) }

func find(name string) (Projection, error) {
	p, ok := projections[name]
	if !ok {
		return nil, fmt.Errorf("projector: there is no projection %q, only %s", name, strings.Join(Names(), ", "))
	}
	return p, nil
}

// Record is a domain event on its way into the read tables.
type Record struct {
	eventstore.Recorded
	Event  any   // the Go value, nil when it could not be decoded
	broken error // why not
}

// newRecord decodes r. What can't be decoded shows when its turn comes: it may have been applied long ago.
func newRecord(registry *eventstore.Registry, r eventstore.Recorded) Record {
	e, err := registry.Decode(r.Type, r.SchemaVersion, r.Data)
	return Record{Recorded: r, Event: e, broken: err}
}

// category is the first part of the stream's id.
func (r *Record) category() string { return categoryOf(r.StreamID) }

func categoryOf(streamID string) string {
	category, _, _ := strings.Cut(streamID, "-")
	return category
}

// subject is the id of what the stream is about: the stream's id without its category.
func (r *Record) subject() string {
	_, id, _ := strings.Cut(r.StreamID, "-")
	return id
}

// RecordError says that a domain event can't be applied for a reason of its own, which trying again does not mend.
type RecordError struct {
	StreamID string
	Version  int64
	Position int64
	Type     string
	Err      error
}

func (e *RecordError) Error() string {
	return fmt.Sprintf("projector: %s, version %d of %s: %v", e.Type, e.Version, e.StreamID, e.Err)
}

func (e *RecordError) Unwrap() error { return e.Err }

func (r *Record) fail(err error) *RecordError {
	return &RecordError{StreamID: r.StreamID, Version: r.Version, Position: r.Position, Type: r.Type, Err: err}
}

// GapError says which streams skip versions, and at which version their rows stand: the log has what is between.
type GapError struct{ Streams map[string]int64 }

func (e *GapError) Error() string {
	return fmt.Sprintf("projector: %d streams skip versions", len(e.Streams))
}
