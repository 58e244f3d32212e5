package engine

import (
	"context"
	"encoding"
	"encoding/json"
	"fmt"
	"time"

	"ticketing/command/eventstore"
)

// Aggregate binds a category of streams to the pure functions that decide on them: S is the state, C a command, E a domain event.
// Its methods make the streams' names from ids. Make it with Define.
type Aggregate[S, C, E any] struct {
	category *category
	decide   func(S, C, time.Time) ([]E, error)
	evolve   func(S, E) S
	revert   func(S, E) S // nil: states are values
}

// AnyAggregate is an Aggregate of any types.
type AnyAggregate interface{ describe() *category }

// category is what the engine knows of an aggregate.
type category struct {
	name          string
	zero          any
	evolve        func(state, domainEvent any) any
	snapshot      int // schema version of its snapshots; 0: none are taken
	readSnapshot  func([]byte) (any, error)
	writeSnapshot func(any) ([]byte, error)
}

// Define returns the Aggregate of a category. Evolve must not change its argument, unless the aggregate is also InPlace.
func Define[S, C, E any](name string, decide func(S, C, time.Time) ([]E, error), evolve func(S, E) S) *Aggregate[S, C, E] {
	var zero S
	return &Aggregate[S, C, E]{
		decide: decide,
		evolve: evolve,
		category: &category{
			name: name,
			zero: zero,
			// Two aggregates of one category and different types panic in the first test that uses both.
			evolve: func(state, domainEvent any) any { return evolve(state.(S), domainEvent.(E)) }, //nolint:forcetypeassert // see above
			readSnapshot: func(data []byte) (any, error) {
				var state S
				if err := unmarshalState(data, &state); err != nil {
					return nil, fmt.Errorf("read a snapshot of %s: %w", name, err)
				}
				return state, nil
			},
			writeSnapshot: marshalState,
		},
	}
}

// WithSnapshots has snapshots taken of long streams: in binary if the state implements it, else as JSON. The schema version must change
// whenever their format does: older snapshots are then ignored.
func (a *Aggregate[S, C, E]) WithSnapshots(schemaVersion int) *Aggregate[S, C, E] {
	a.category.snapshot = schemaVersion
	return a
}

// InPlace declares that Evolve changes the state that it is given, because copying it would be slow. revert takes back the last domain
// event, so that a discarded decision leaves the state as it was.
func (a *Aggregate[S, C, E]) InPlace(revert func(S, E) S) *Aggregate[S, C, E] {
	a.revert = revert
	return a
}

func (a *Aggregate[S, C, E]) describe() *category { return a.category }

// Stream returns the name of the stream with this id.
func (a *Aggregate[S, C, E]) Stream(id string) string {
	return eventstore.StreamID(a.category.name, id)
}

// Load returns the current state, with what the decision has staged; the zero state if there is no such stream. When it returns an
// error the decision is made again with the stream in memory, whatever it returns.
func (a *Aggregate[S, C, E]) Load(tx *Tx, id string) (S, error) {
	i, err := tx.findView(a.Stream(id))
	if err != nil {
		var zero S
		return zero, err
	}
	return tx.views[i].state.(S), nil //nolint:forcetypeassert // a category has one type of state
}

// Read returns the state and version of a stream as committed; the zero state and 0 if there is no such stream. It reads the log and
// takes no turn in the write loop: the result has at least all that was committed when Read was called, and so what Execute has returned
// to this caller; but a commit that is in flight may be missing, and two Reads may see the log at two positions. The state belongs to
// the caller.
func (a *Aggregate[S, C, E]) Read(ctx context.Context, e *Engine, id string) (state S, version int64, err error) {
	s, err := e.readStream(ctx, a.Stream(id))
	if err != nil {
		return state, 0, fmt.Errorf("read stream: %w", err)
	}
	return s.state.(S), s.version, nil //nolint:forcetypeassert // a category has one type of state
}

// Version returns the version of a stream that was loaded or decided on in tx, with what the decision has staged.
func (a *Aggregate[S, C, E]) Version(tx *Tx, id string) int64 {
	i, err := tx.findView(a.Stream(id))
	if err != nil {
		return 0
	}
	return tx.views[i].version
}

// Decide loads a stream, decides c on its state, stages the domain events, and returns the state after them. If c is rejected, it
// returns the state as it is and the *rejection.Error.
func (a *Aggregate[S, C, E]) Decide(tx *Tx, id string, c C) (S, error) {
	i, err := tx.findView(a.Stream(id))
	if err != nil {
		var zero S
		return zero, err
	}
	return a.stageCommand(tx, i, c)
}

// Create is Decide for a stream that can't exist because its id is new, which saves looking for it.
func (a *Aggregate[S, C, E]) Create(tx *Tx, id string, c C) (S, error) {
	return a.stageCommand(tx, tx.addView(newStream(a.Stream(id), a.category)), c)
}

// stageCommand decides c on the state of the i-th view.
func (a *Aggregate[S, C, E]) stageCommand(tx *Tx, i int, c C) (S, error) {
	v := &tx.views[i]
	state := v.state.(S) //nolint:forcetypeassert // a category has one type of state
	domainEvents, err := a.decide(state, c, tx.Now)
	if err != nil || len(domainEvents) == 0 {
		return state, err
	}
	before := change{view: i, state: v.state, version: v.version, records: len(tx.records)}
	if a.revert != nil {
		before.revert = func(after any) any { return a.revertAll(after.(S), domainEvents) } //nolint:forcetypeassert // a category has one type of state
	}
	for n, domainEvent := range domainEvents {
		tx.stageRecord(v.stream, v.version+int64(n)+1, domainEvent)
	}
	tx.broken = a.revert != nil // until Evolve has returned, the cached state may be half changed
	for _, domainEvent := range domainEvents {
		state = a.evolve(state, domainEvent)
	}
	tx.broken = false
	tx.changes = append(tx.changes, before)
	v.state, v.version = state, v.version+int64(len(domainEvents))
	return state, nil
}

func (a *Aggregate[S, C, E]) revertAll(state S, domainEvents []E) S {
	for i := len(domainEvents) - 1; i >= 0; i-- {
		state = a.revert(state, domainEvents[i])
	}
	return state
}

func marshalState(state any) ([]byte, error) {
	if state, ok := state.(encoding.BinaryAppender); ok {
		return state.AppendBinary(nil)
	}
	return json.Marshal(state)
}

func unmarshalState(data []byte, state any) error {
	if state, ok := state.(encoding.BinaryUnmarshaler); ok {
		return state.UnmarshalBinary(data)
	}
	return json.Unmarshal(data, state)
}
