package engine

import (
	"encoding"
	"encoding/json"
	"fmt"
	"strings"

	"ticketing/command/eventstore"
)

// Aggregate tells the engine how one category of streams becomes state. Make it with Define.
type Aggregate struct {
	category      string
	zero          any
	evolve        func(state, domainEvent any) any
	snapshot      int // schema version of its snapshots; 0: none are taken
	readSnapshot  func([]byte) (any, error)
	writeSnapshot func(any) ([]byte, error)
}

// Define makes the Aggregate of a category from its pure Evolve.
func Define[S, E any](category string, evolve func(S, E) S) Aggregate {
	var zero S
	return Aggregate{
		category: category,
		zero:     zero,
		// A wrong type is a wrong Define: it panics in the first test that uses it.
		evolve: func(state, domainEvent any) any { return evolve(state.(S), domainEvent.(E)) }, //nolint:forcetypeassert // see above
		readSnapshot: func(data []byte) (any, error) {
			var state S
			if err := unmarshal(data, &state); err != nil {
				return nil, fmt.Errorf("snapshot of %s: %w", category, err)
			}
			return state, nil
		},
		writeSnapshot: marshal,
	}
}

func marshal(state any) ([]byte, error) {
	if state, ok := state.(encoding.BinaryAppender); ok {
		return state.AppendBinary(nil)
	}
	return json.Marshal(state)
}

func unmarshal(data []byte, state any) error {
	if state, ok := state.(encoding.BinaryUnmarshaler); ok {
		return state.UnmarshalBinary(data)
	}
	return json.Unmarshal(data, state)
}

// WithSnapshots has snapshots taken of long streams: in binary if the state knows how, else as JSON. The schema version must change
// whenever their format does: older snapshots are then passed over.
func (a Aggregate) WithSnapshots(schemaVersion int) Aggregate {
	a.snapshot = schemaVersion
	return a
}

// sized is what a state implements when it may grow large, so that the cache can be bounded in bytes.
type sized interface{ Size() int }

// stream is a stream's state at a version, which was certainly current at the log position checkedAt.
type stream struct {
	id          string
	aggregate   *Aggregate
	version     int64
	state       any
	checkedAt   int64
	incarnation string // of the log that it was read from
	snapshotted int64  // version of the last snapshot that was read or asked for
}

func (s *stream) size() int {
	const overhead = 512
	if state, ok := s.state.(sized); ok {
		return overhead + state.Size()
	}
	return overhead
}

// apply takes what stands in the log. The next version is an assertion: a gap would be a lost fact.
func (s *stream) apply(registry *eventstore.Registry, c *eventstore.Change) error {
	if c.Version != s.version+1 {
		return fmt.Errorf("stream %s: version %d follows %d", s.id, c.Version, s.version)
	}
	domainEvent, err := registry.Decode(c.Type, c.SchemaVersion, c.Data)
	if err != nil {
		return fmt.Errorf("stream %s, version %d: %w", s.id, c.Version, err)
	}
	s.state = s.aggregate.evolve(s.state, domainEvent)
	s.version = c.Version
	return nil
}

func (e *Engine) newStream(id string) (*stream, error) {
	category, _, _ := strings.Cut(id, "-")
	aggregate, ok := e.aggregates[category]
	if !ok {
		return nil, fmt.Errorf("stream %q is of no known category", id)
	}
	return &stream{id: id, aggregate: aggregate, state: aggregate.zero}, nil
}
