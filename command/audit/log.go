// Package audit checks the log: it replays all domain events through the aggregates and checks the invariants that no
// decision may ever break.
//
// It only reads. It keeps the states of streams in memory, not their histories; a log that is too large for that is read in parts, event by
// event (ReadStreams, Forget).
package audit

import (
	"context"
	"fmt"

	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
)

// Config is what New needs.
type Config struct {
	Registry *eventstore.Registry // Required.
	After    int64                // Position before the first domain event. Default: 0, the beginning.
	// Observe is called with each domain event that was applied. Default: it is not called.
	Observe func(r *eventstore.Recorded, domainEvent any)
}

// Log is the states of all aggregates, by id.
type Log struct {
	Events       map[string]*Event
	Inventories  map[string]*Inventory
	Reservations map[string]*Reservation
	Payments     map[string]*Payment

	cfg          Config
	last         int64 // position
	domainEvents int64
	read         map[string]int64 // the versions up to which ReadStreams has read streams
}

// New returns a log of which nothing was read. It panics without a required field.
func New(cfg Config) *Log {
	if cfg.Registry == nil {
		panic("audit the log: Registry is required")
	}
	if cfg.Observe == nil {
		cfg.Observe = func(*eventstore.Recorded, any) {}
	}
	return &Log{
		cfg: cfg, last: cfg.After, read: map[string]int64{}, Events: map[string]*Event{}, Inventories: map[string]*Inventory{},
		Reservations: map[string]*Reservation{}, Payments: map[string]*Payment{},
	}
}

// pageSize is how many domain events are read at once.
const pageSize = 5_000

// Read replays the domain events up to a position, and reports those that can't be applied. A later call continues from there.
func (l *Log) Read(ctx context.Context, db eventstore.Querier, upTo int64, report *Report) error {
	for l.last < upTo {
		records, err := eventstore.ReadAll(ctx, db, l.last, pageSize)
		if err != nil {
			return err
		}
		for i := range records {
			if records[i].Position > upTo {
				break
			}
			l.applyNext(&records[i], report)
		}
		if len(records) < pageSize {
			break
		}
	}
	if l.last != upTo {
		report.Add("log", "it ends at position %d, and its head is %d", l.last, upTo)
	}
	report.Position, report.DomainEvents = l.last, l.domainEvents
	report.Streams = len(l.Events) + len(l.Inventories) + len(l.Reservations) + len(l.Payments)
	return nil
}

func (l *Log) applyNext(r *eventstore.Recorded, report *Report) {
	if r.Position != l.last+1 {
		report.Add(fmt.Sprintf("log at position %d", r.Position), "position %d comes before it: there is a gap", l.last)
	}
	l.last = r.Position
	l.domainEvents++
	l.applyAudited(r, report)
}

// applyAudited applies the next domain event of a stream, and reports it if it can't be applied.
func (l *Log) applyAudited(r *eventstore.Recorded, report *Report) {
	a := l.aggregate(r.StreamID)
	if a == nil {
		report.Add(r.StreamID, "the stream at position %d is of no known category", r.Position)
		return
	}
	h := a.head()
	if h.Broken {
		return
	}
	if err := l.Apply(r); err != nil {
		h.Broken = true
		report.Add(r.StreamID, "position %d, %s: %v; the rest of the stream is not checked", r.Position, r.Type, err)
	}
	h.Audited = h.Version
}

// aggregate returns the aggregate of a stream, a new one if it is not known yet, and nil if the category is unknown.
func (l *Log) aggregate(streamID string) aggregate {
	category, id := eventstore.SplitStreamID(streamID)
	switch category {
	case event.Category:
		return getOrMake(l.Events, id)
	case inventory.Category:
		return getOrMake(l.Inventories, id)
	case reservation.Category:
		return getOrMake(l.Reservations, id)
	case payment.Category:
		return getOrMake(l.Payments, id)
	}
	return nil
}

func getOrMake[A any](aggregates map[string]*A, id string) *A {
	if aggregates[id] == nil {
		aggregates[id] = new(A)
	}
	return aggregates[id]
}

// Apply applies the next domain event of a stream. The stream's category must be known.
func (l *Log) Apply(r *eventstore.Recorded) (err error) {
	a := l.aggregate(r.StreamID)
	h := a.head()
	if r.Version != h.Version+1 {
		return fmt.Errorf("version %d follows %d: there is a gap", r.Version, h.Version)
	}
	domainEvent, err := l.cfg.Registry.Decode(r.Type, r.SchemaVersion, r.Data)
	if err != nil {
		return fmt.Errorf("decode version %d: %w", r.Version, err)
	}
	defer func() {
		if p := recover(); p != nil { // the aggregates assert their invariants
			err = fmt.Errorf("version %d: %v", r.Version, p)
		}
	}()
	h.Version, h.Position = r.Version, r.Position
	if !a.evolve(domainEvent, r.Version == 1) {
		return fmt.Errorf("version %d can't be a %s", r.Version, r.Type)
	}
	l.cfg.Observe(r, domainEvent)
	return nil
}

// CatchUp reads a stream on to a version that a read table has reached already. It reports whether the log has that version.
func (l *Log) CatchUp(ctx context.Context, db eventstore.Querier, streamID string, version int64) (bool, error) {
	a := l.aggregate(streamID)
	if a == nil {
		return false, nil
	}
	for h := a.head(); h.Version < version && !h.Broken; {
		records, err := eventstore.ReadStream(ctx, db, streamID, h.Version, int(min(pageSize, version-h.Version)))
		if err != nil {
			return false, err
		}
		if len(records) == 0 {
			return false, nil
		}
		for i := range records {
			if err := l.Apply(&records[i]); err != nil {
				return false, fmt.Errorf("apply stream %s: %w", streamID, err)
			}
		}
	}
	return true, nil
}

// Head returns how far a stream was read, nil if nothing of it was.
func (l *Log) Head(streamID string) *Head {
	category, id := eventstore.SplitStreamID(streamID)
	switch {
	case category == event.Category && l.Events[id] != nil:
		return &l.Events[id].Head
	case category == inventory.Category && l.Inventories[id] != nil:
		return &l.Inventories[id].Head
	case category == reservation.Category && l.Reservations[id] != nil:
		return &l.Reservations[id].Head
	case category == payment.Category && l.Payments[id] != nil:
		return &l.Payments[id].Head
	}
	return nil
}
