package engine

// CertainlyRefused is for errors that a test can't have PostgreSQL return.
var CertainlyRefused = certainlyRefused

// Waiting is how many commands wait or are being decided.
func (e *Engine) Waiting() int64 { return e.inflight.Load() }
