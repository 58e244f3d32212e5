package saga

import (
	"time"

	"ticketing/command"
)

// Kind says what a deadline is for. The values stand in the table and in the metrics.
type Kind string

// The kinds of deadlines, and whose id they go by.
const (
	Hold       Kind = "hold"        // reservation: its hold ends
	SalesOpen  Kind = "sales_open"  // event: its sales window begins
	SalesClose Kind = "sales_close" // event: its sales window ends
)

func kinds() []Kind {
	return []Kind{Hold, SalesOpen, SalesClose}
}

// key names a deadline.
type key struct {
	kind Kind
	id   string
}

// cause is the domain event that set a deadline or made a job: what is done about it is recorded as its consequence.
type cause struct {
	CorrelationID string `json:"correlation_id"`
	CausationID   string `json:"causation_id"`
	Traceparent   string `json:"traceparent"`
}

func (c cause) caller() command.Caller {
	return command.Caller{Actor: Actor, CorrelationID: c.CorrelationID, CausationID: c.CausationID, Traceparent: c.Traceparent}
}

func causeOfCaller(by command.Caller) cause {
	return cause{CorrelationID: by.CorrelationID, CausationID: by.CausationID, Traceparent: by.Traceparent}
}

// deadline is what the follower sets.
type deadline struct {
	dueAt time.Time
	cause
}

// mostAttempts is how many attempts may fail until a deadline or a job counts as failed: with the pauses between them, a quarter of an
// hour. It is still tried again, rarely; a job for three days, until lastAttempt.
const (
	mostAttempts = 20
	lastAttempt  = mostAttempts + 3*24*6
)

// How long to wait after a failed attempt.
const (
	firstPause  = time.Second
	longPause   = time.Minute
	failedPause = 10 * time.Minute // once it counts as failed
)

// retryAfter answers how long to wait after so many failed attempts.
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

// recheckAfter answers when to look again at what was worked on without an error and has not ended yet: mostly the follower
// is a moment behind, or a gateway needs time. The longer it lasts, the rarer.
func recheckAfter(age time.Duration) time.Duration {
	const soonest, latest = 5 * time.Second, 10 * time.Minute
	return min(max(age, soonest), latest)
}
