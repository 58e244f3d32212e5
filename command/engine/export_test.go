package engine

import (
	"time"

	"ticketing/command/eventstore"
)

// CertainlyRefused is for errors that a test can't have PostgreSQL return.
var CertainlyRefused = certainlyRefused

// Waiting is how many commands wait or are being decided.
func (e *Engine) Waiting() int64 { return e.inflight.Load() }

// OccupyLoop keeps the loop busy, outside of any transaction, until release is called.
func (e *Engine) OccupyLoop() (release func()) {
	request := copyRequest{copy: make(chan *eventstore.Snapshot)}
	e.copies <- request
	return func() { <-request.copy }
}

// DecideWholeBatches keeps a busy machine from cutting batches.
func (e *Engine) DecideWholeBatches() {
	release := e.OccupyLoop()
	e.decidingTime = time.Hour
	release()
}
