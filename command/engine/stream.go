package engine

import (
	"fmt"

	"ticketing/command/eventstore"
)

// sized is implemented by states that may grow large, so that the cache can be bounded in bytes.
type sized interface{ Size() int }

// stream is a stream's state at a version that was current at the log position checkedAt.
type stream struct {
	id          string
	category    *category
	version     int64
	state       any
	checkedAt   int64
	incarnation string // of the log that it was read from
	snapshotted int64  // version of the last snapshot that was read or requested
}

func newStream(id string, c *category) *stream { return &stream{id: id, category: c, state: c.zero} }

// knownStream returns an empty stream if the engine knows its category.
func (e *Engine) knownStream(id string) (*stream, error) {
	name, _ := eventstore.SplitStreamID(id)
	c, ok := e.categories[name]
	if !ok {
		return nil, fmt.Errorf("stream %q is of no known category", id)
	}
	return newStream(id, c), nil
}

func (s *stream) size() int {
	const overhead = 512
	if state, ok := s.state.(sized); ok {
		return overhead + state.Size()
	}
	return overhead
}

// unreadableError says that this build can't read a stream: during a deployment, a newer one may have appended to it.
type unreadableError struct{ cause error }

func (e *unreadableError) Error() string { return e.cause.Error() }
func (e *unreadableError) Unwrap() error { return e.cause }

// applyChange evolves the state by a domain event from the log. The next version is an assertion: a gap would be a lost domain event.
func (s *stream) applyChange(registry *eventstore.Registry, c *eventstore.Change) error {
	if c.Version != s.version+1 {
		return &unreadableError{fmt.Errorf("stream %s: version %d follows %d", s.id, c.Version, s.version)}
	}
	domainEvent, err := registry.Decode(c.Type, c.SchemaVersion, c.Data)
	if err != nil {
		return &unreadableError{fmt.Errorf("decode stream %s, version %d: %w", s.id, c.Version, err)}
	}
	s.state = s.category.evolve(s.state, domainEvent)
	s.version = c.Version
	return nil
}
