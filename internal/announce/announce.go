// Package announce announces newer versions of objects in the read tables to their watchers. It is best effort: watchers also read now and
// then, so that a lost announcement makes them late but never wrong.
package announce

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"ticketing/internal/telemetry"
)

// Kind says what changed.
type Kind string

// The kinds.
const (
	Event        Kind = "event"
	Availability Kind = "availability" // by event id; the version is that of the inventory
	Reservation  Kind = "reservation"
	Payment      Kind = "payment"

	PaymentOfReservation Kind = "payment-of" // by reservation id; the version is that of the payment
)

// Change says that a row is now at Version.
type Change struct {
	Kind    Kind
	ID      string
	Version int64
	By      string // the id of the aggregate that changed. Default: ID.
	Cause   Cause  // of a change that is traced. Default: none.
}

// Cause is the request that led to a change, and its trace so far.
type Cause struct{ Traceparent, CorrelationID, UserID string }

// Follow returns a context that continues the trace.
func (c Cause) Follow(ctx context.Context) context.Context {
	return telemetry.WithUserID(telemetry.WithCorrelationID(telemetry.ContinueTrace(ctx, c.Traceparent), c.CorrelationID), c.UserID)
}

// payload returns the version, in decimal. The cause of a traced change follows behind blanks.
func (c Change) payload() string {
	version := strconv.FormatInt(c.Version, 10)
	if c.Cause.Traceparent == "" {
		return version
	}
	return strings.Join([]string{version, c.Cause.Traceparent, c.Cause.CorrelationID, c.Cause.UserID}, " ")
}

// ParsePayload returns the version and the cause that an announcement has, and false for what is no announcement.
func ParsePayload(text string) (version int64, cause Cause, ok bool) {
	text, rest, traced := strings.Cut(text, " ")
	version, err := strconv.ParseInt(text, 10, 64)
	if fields := strings.Split(rest, " "); traced && len(fields) == 3 {
		cause = Cause{fields[0], fields[1], fields[2]}
	}
	return version, cause, err == nil
}

// Channel returns the Redis channel for changes of one object.
func Channel(kind Kind, id string) string { return "ticketing:" + string(kind) + ":" + id }

// Publish announces the changes in one round trip.
func Publish(ctx context.Context, rdb redis.UniversalClient, changes []Change) error {
	if len(changes) == 0 {
		return nil
	}
	_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, c := range changes {
			p.Publish(ctx, Channel(c.Kind, c.ID), c.payload())
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("announce %d changes: %w", len(changes), err)
	}
	return nil
}
