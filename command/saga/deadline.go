package saga

import (
	"time"

	"ticketing/command"
	"ticketing/command/internal/principal"
)

// Kind is what a deadline is for. The values are used in the table and in the metrics.
type Kind string

// The kinds of deadlines.
const (
	Hold       Kind = "hold"        // The hold of a reservation ends.
	SalesOpen  Kind = "sales_open"  // The sales window of an event begins.
	SalesClose Kind = "sales_close" // The sales window of an event ends.
)

func deadlineKinds() []Kind {
	return []Kind{Hold, SalesOpen, SalesClose}
}

// deadlineKey names a deadline.
type deadlineKey struct {
	kind Kind
	id   string
}

// cause is the domain event that set a deadline or made a job: what is done then is recorded as its consequence.
type cause struct {
	CorrelationID string `json:"correlation_id"`
	CausationID   string `json:"causation_id"`
	Traceparent   string `json:"traceparent"`
}

func (c cause) caller() command.Caller {
	return command.Caller{Principal: principal.System("saga"), Trace: command.Trace(c)}
}

func causeOfCaller(by command.Caller) cause {
	return cause(by.Trace)
}

// deadline is set by the follower.
type deadline struct {
	dueAt time.Time
	cause
}

// mostAttempts is how many attempts may fail before a deadline or a job counts as failed: with the pauses between them, a quarter of an
// hour. It is still tried again, rarely; a job for three days, until lastAttempt.
const (
	mostAttempts = 20
	lastAttempt  = mostAttempts + 3*24*6
)

// How long to wait after a failed attempt.
const (
	firstPause  = time.Second
	longPause   = time.Minute
	failedPause = 10 * time.Minute // when it counts as failed
)

// retryAfter returns how long to wait after so many failed attempts.
func retryAfter(attempts int) time.Duration {
	if attempts >= mostAttempts {
		return failedPause
	}
	pause := firstPause
	for i := 1; i < attempts && pause < longPause; i++ {
		pause *= 2
	}
	return min(pause, longPause)
}

// recheckAfter returns how long to wait with work that did not fail and has not ended yet: mostly the follower is a moment behind, or a
// gateway needs time. The pauses grow with the age of the work.
func recheckAfter(age time.Duration) time.Duration {
	const soonest, latest = 5 * time.Second, 10 * time.Minute
	return min(max(age, soonest), latest)
}
