package saga

import (
	"time"

	"ticketing/command"
)

// Kind says what a deadline is for. The values stand in the table and in the metrics.
type Kind string

// The kinds of deadlines, and whose id they go by.
const (
	Hold           Kind = "hold"            // reservation: its hold ends
	Payment        Kind = "payment"         // payment: undecided for too long
	Refund         Kind = "refund"          // refund: requested
	SalesOpen      Kind = "sales_open"      // event: its sales window begins
	SalesClose     Kind = "sales_close"     // event: its sales window ends
	EventCancelled Kind = "event_cancelled" // event: everybody gets their money back
)

func kinds() []Kind {
	return []Kind{Hold, Payment, Refund, SalesOpen, SalesClose, EventCancelled}
}

// key names a deadline.
type key struct {
	kind Kind
	id   string
}

// cause is the domain event that set a deadline: what is done about it is recorded as its consequence.
type cause struct {
	correlationID string
	causationID   string
	traceparent   string
}

func (c cause) caller() command.Caller {
	return command.Caller{Actor: Actor, CorrelationID: c.correlationID, CausationID: c.causationID, Traceparent: c.traceparent}
}

// deadline is what the follower sets.
type deadline struct {
	paymentID string // of a refund
	dueAt     time.Time
	cause
}

// mostAttempts is how many attempts may fail until a deadline counts as failed: with the pauses between them, a quarter of an hour.
const mostAttempts = 20

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

// recheckAfter answers when to look again at a deadline that was worked on without an error and has not ended yet: mostly the follower
// is a moment behind, or a gateway needs time. The longer it lasts, the rarer.
func recheckAfter(age time.Duration) time.Duration {
	const soonest, latest = 5 * time.Second, 10 * time.Minute
	return min(max(age, soonest), latest)
}
