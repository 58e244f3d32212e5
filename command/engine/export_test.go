package engine

// Waiting is how many commands wait or are being decided.
func (e *Engine) Waiting() int64 { return e.inflight.Load() }
