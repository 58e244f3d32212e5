package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ticketing/command/eventstore"
)

// Decision is what a command does: it reads states, decides, and appends. It is pure but for tx, may be called more than once, and
// must not append before it is certain not to reject. Ids and prices it needs are made before.
type Decision func(tx *Tx) (Decided, error)

// Decided is what a command came to.
type Decided struct {
	Ref   string // id of what was made or changed: stands in the idempotency key's outcome
	Value any    // for the caller; not stored
}

// Tx is what a Decision sees of the log: certainly current states, under the lock.
type Tx struct {
	// Now is the time of the decision and of all domain events that it appends, UTC in microseconds.
	Now time.Time

	engine   *Engine
	metadata *eventstore.Metadata
	encoded  []byte // the metadata as JSON: the same for all that a command appends
	batch    *batch
	appended int
	missing  string
}

// errMissing stops a Decision that needs a stream which is not in memory; it is called again when it is.
var errMissing = errors.New("engine: stream is not loaded")

// Load answers the current state of a stream, its zero value if there is no such stream. Its error must be returned by the Decision.
func Load[S any](tx *Tx, streamID string) (S, error) {
	s, ok := tx.batch.streams[streamID]
	if !ok {
		s = tx.engine.current(streamID)
	}
	if s == nil {
		tx.missing = streamID
		var zero S
		return zero, errMissing
	}
	tx.batch.streams[streamID] = s
	return s.state.(S), nil //nolint:forcetypeassert // a category has one type of state
}

// Create tells that the stream cannot exist because its id was made a moment ago, which saves looking for it.
func Create(tx *Tx, streamID string) error {
	s, err := tx.engine.newStream(streamID)
	if err != nil {
		return err
	}
	tx.batch.streams[streamID] = s
	return nil
}

// Version answers the version of a stream that was loaded or created.
func (tx *Tx) Version(streamID string) int64 { return tx.batch.streams[streamID].version }

// Append adds domain events to a stream that was loaded or created, and answers its state with them.
func Append[S, E any](tx *Tx, streamID string, domainEvents []E) S {
	s := tx.batch.streams[streamID]
	for _, domainEvent := range domainEvents {
		tx.appended++
		tx.batch.dirty[streamID] = s
		s.state = s.aggregate.evolve(s.state, domainEvent)
		s.version++
		name, schemaVersion, data, err := tx.engine.registry.Encode(domainEvent)
		if err != nil {
			panic(fmt.Sprintf("engine: %v", err)) // an unregistered type: found by the first test that appends it
		}
		tx.batch.chunk.add(s, name, schemaVersion, data, tx.encodedMetadata())
	}
	return s.state.(S) //nolint:forcetypeassert // a category has one type of state
}

func (tx *Tx) encodedMetadata() []byte {
	if tx.encoded == nil {
		encoded, err := json.Marshal(tx.metadata)
		if err != nil {
			panic("engine: metadata holds only strings: " + err.Error())
		}
		tx.encoded = encoded
	}
	return tx.encoded
}
