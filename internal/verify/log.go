package verify

import (
	"context"
	"fmt"
	"strings"

	"ticketing/command/event"       //nolint:depguard // as in verify.go
	"ticketing/command/eventstore"  //nolint:depguard // as in verify.go
	"ticketing/command/inventory"   //nolint:depguard // as in verify.go
	"ticketing/command/payment"     //nolint:depguard // as in verify.go
	"ticketing/command/reservation" //nolint:depguard // as in verify.go
)

// page is how many domain events are read at once.
const page = 5_000

// Log is the states that the log comes to.
type Log struct {
	registry     *eventstore.Registry
	last         int64 // position
	domainEvents int64

	events       map[string]*occasion
	inventories  map[string]*stock
	reservations map[string]*hold
	payments     map[string]*charge
}

// NewLog answers a log of which nothing was read; what stands up to the position after is not going to be.
func NewLog(registry *eventstore.Registry, after int64) *Log {
	return &Log{
		registry: registry, last: after, events: map[string]*occasion{}, inventories: map[string]*stock{},
		reservations: map[string]*hold{}, payments: map[string]*charge{},
	}
}

// Read replays what comes next, up to a position, and notes what can't be. It can go on later from where it ended.
func (l *Log) Read(ctx context.Context, db eventstore.Querier, upTo int64, found *Report) error {
	for l.last < upTo {
		records, err := eventstore.ReadAll(ctx, db, l.last, page)
		if err != nil {
			return fmt.Errorf("verify: %w", err)
		}
		for i := range records {
			if records[i].Position > upTo {
				break
			}
			l.take(&records[i], found)
		}
		if len(records) < page {
			break
		}
	}
	found.Position, found.DomainEvents = l.last, l.domainEvents
	found.Streams = len(l.events) + len(l.inventories) + len(l.reservations) + len(l.payments)
	return nil
}

func (l *Log) take(r *eventstore.Recorded, found *Report) {
	if r.Position != l.last+1 {
		found.broken(fmt.Sprintf("log at position %d", r.Position), "position %d comes before it: there is a gap", l.last)
	}
	l.last = r.Position
	l.domainEvents++
	s := l.stream(r.StreamID)
	if s == nil {
		found.broken(r.StreamID, "the stream at position %d is of no known category", r.Position)
		return
	}
	if h := s.at(); !h.broken {
		if err := apply(l.registry, s, r); err != nil {
			h.broken = true
			found.broken(r.StreamID, "position %d, %s: %v; the rest of the stream is not checked", r.Position, r.Type, err)
		}
		h.known = h.version
	}
}

// stream answers the stream of that id, a new one if there is none yet; nil when its category is unknown.
func (l *Log) stream(id string) stream {
	category, subject, _ := strings.Cut(id, "-")
	switch category {
	case event.Category:
		return find(l.events, subject)
	case inventory.Category:
		return find(l.inventories, subject)
	case reservation.Category:
		return find(l.reservations, subject)
	case payment.Category:
		return find(l.payments, subject)
	}
	return nil
}

func find[S any](streams map[string]*S, id string) *S {
	if streams[id] == nil {
		streams[id] = new(S)
	}
	return streams[id]
}

// apply takes the next domain event of a stream. The aggregates assert what no decision may break, and panic.
func apply(registry *eventstore.Registry, s stream, r *eventstore.Recorded) (err error) {
	h := s.at()
	if r.Version != h.version+1 {
		return fmt.Errorf("version %d follows %d: there is a gap", r.Version, h.version)
	}
	domainEvent, err := registry.Decode(r.Type, r.SchemaVersion, r.Data)
	if err != nil {
		return fmt.Errorf("version %d: %w", r.Version, err)
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("version %d: %v", r.Version, p)
		}
	}()
	h.version, h.position = r.Version, r.Position
	if !s.evolve(r, domainEvent) {
		return fmt.Errorf("version %d: %s can't stand there", r.Version, r.Type)
	}
	return nil
}

// catchUp reads a stream on to a version, which a read table has reached already. It answers whether the log has come as far.
func (l *Log) catchUp(ctx context.Context, db eventstore.Querier, streamID string, version int64) (bool, error) {
	s := l.stream(streamID)
	for h := s.at(); h.version < version && !h.broken; {
		records, err := eventstore.ReadStream(ctx, db, streamID, h.version, int(min(page, version-h.version)))
		if err != nil {
			return false, fmt.Errorf("verify: %w", err)
		}
		if len(records) == 0 {
			return false, nil
		}
		for i := range records {
			if err := apply(l.registry, s, &records[i]); err != nil {
				return false, fmt.Errorf("verify: stream %s: %w", streamID, err)
			}
		}
	}
	return true, nil
}
