package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ticketing/command/eventstore"
)

// Decision is what a command does: it loads states and decides commands of aggregates through their handles. It has no other effects,
// and may be called more than once; ids and prices that it needs are made before.
type Decision func(tx *Tx) (Decided, error)

// Decided is the result of an accepted command.
type Decided struct {
	Ref   string // id of what was made or changed; kept in the idempotency key's outcome
	Value any    // for the caller; not stored
}

// Tx is what a Decision sees of the log: current states, under the lock. What is decided through it is staged: it becomes a part of the
// batch when the whole Decision returns no error and every stream that it loaded was in memory; otherwise nothing of it does.
// A Tx is valid only until the Decision returns.
type Tx struct {
	// Now is the time of the decision and of all domain events that it stages, in UTC and microseconds: the database's, when the lock was
	// taken, and never less than the time of any domain event before.
	Now time.Time

	engine   *Engine
	batch    *batch
	metadata *eventstore.Metadata

	views   []view
	changes []change
	records []record
	missing string // the first stream that was not in memory
	broken  bool   // a state in the cache may be half changed: the batch must go
}

// view is a stream as the decision sees it.
type view struct {
	stream  *stream
	state   any
	version int64
}

// change is what a view was before one staged command.
type change struct {
	view    int // index
	state   any
	version int64
	records int                 // staged before
	revert  func(after any) any // nil: state is the state before
}

// record is a staged domain event, encoded for the log.
type record struct {
	stream        *stream
	version       int64
	name          string
	schemaVersion int
	data          []byte
	domainEvent   any
}

// errMissing ends a Decision that needs a stream which is not in memory; it is called again when it is.
var errMissing = errors.New("stream is not in memory")

// Attempt calls f, keeps what f staged only if f returns no error, and returns f's error.
func (tx *Tx) Attempt(f func() error) error {
	staged := len(tx.changes)
	err := f()
	if err != nil {
		tx.unstageAfter(staged)
	}
	return err
}

// beginCall makes tx the one of the next call.
func (tx *Tx) beginCall(c *call) {
	tx.metadata = &c.Metadata
	tx.views, tx.changes, tx.records, tx.missing = tx.views[:0], tx.changes[:0], tx.records[:0], ""
}

// findView returns the index of a stream's view.
func (tx *Tx) findView(streamID string) (int, error) {
	for i := range tx.views {
		if tx.views[i].stream.id == streamID {
			return i, nil
		}
	}
	s, ok := tx.batch.streams[streamID]
	if !ok {
		s = tx.engine.currentStream(streamID)
	}
	if s == nil {
		if tx.missing == "" {
			tx.missing = streamID
		}
		return 0, errMissing
	}
	tx.batch.streams[streamID] = s
	return tx.addView(s), nil
}

func (tx *Tx) addView(s *stream) int {
	tx.views = append(tx.views, view{stream: s, state: s.state, version: s.version})
	return len(tx.views) - 1
}

// stageRecord encodes the domain event that makes a stream's next version.
func (tx *Tx) stageRecord(s *stream, version int64, domainEvent any) {
	name, schemaVersion, data, err := tx.engine.registry.Encode(domainEvent)
	if err != nil {
		panic(fmt.Sprintf("engine: %v", err)) // an unregistered type: found by the first test that decides it
	}
	tx.records = append(tx.records, record{stream: s, version: version, name: name, schemaVersion: schemaVersion, data: data, domainEvent: domainEvent})
}

// runDecision calls the decision. What it staged is kept only when it returns no error and no stream is missing.
func (tx *Tx) runDecision(d Decision) (decided Decided, err error) {
	err = catchPanic(func() (err error) {
		decided, err = d(tx)
		return err
	})
	if err == nil && tx.missing == "" {
		tx.keepStaged()
		return decided, nil
	}
	if !tx.broken {
		tx.broken = catchPanic(func() error { tx.unstageAfter(0); return nil }) != nil
	}
	return Decided{}, err
}

// catchPanic turns the panic of a broken invariant into an error.
func catchPanic(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the decision panicked: %v", p)
		}
	}()
	return f()
}

// unstageAfter takes back all but the first n changes, the last one first.
func (tx *Tx) unstageAfter(n int) {
	for i := len(tx.changes) - 1; i >= n; i-- {
		c := tx.changes[i]
		v := &tx.views[c.view]
		if c.revert != nil {
			c.state = c.revert(v.state)
		}
		v.state, v.version = c.state, c.version
		tx.records = tx.records[:c.records]
	}
	tx.changes = tx.changes[:n]
}

// keepStaged makes what was staged a part of the batch.
func (tx *Tx) keepStaged() {
	for _, c := range tx.changes {
		v := tx.views[c.view]
		s := v.stream
		s.state, s.version = v.state, v.version
		tx.batch.streams[s.id], tx.batch.dirty[s.id] = s, s
	}
	if len(tx.records) == 0 {
		return
	}
	metadata, err := json.Marshal(tx.metadata)
	if err != nil {
		panic("engine: metadata holds only strings: " + err.Error())
	}
	for _, r := range tx.records {
		tx.batch.chunk.addRecord(r, metadata)
	}
	if tx.engine.committed != nil {
		tx.batch.staged = append(tx.batch.staged, tx.records...)
	}
}
