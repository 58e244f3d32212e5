package engine

import (
	"context"
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

// KeepIdleHolder keeps PostgreSQL from ending the loop's session while a test holds up a decision. It must come before the first batch.
func (e *Engine) KeepIdleHolder(ctx context.Context) error {
	release := e.OccupyLoop()
	defer release()
	if err := e.connect(ctx); err != nil {
		return err
	}
	_, err := e.connection.Exec(ctx, `SET idle_in_transaction_session_timeout = 0`)
	return err
}
