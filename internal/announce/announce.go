// Package announce announces newer versions of objects in the read tables to their watchers. It is best effort: watchers also read now and
// then, so that a lost announcement makes them late but never wrong.
package announce

import (
	"context"
	"fmt"
	"strconv"

	"github.com/redis/go-redis/v9"
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
}

// Channel returns the Redis channel for changes of one object. The payload is the version, in decimal.
func Channel(kind Kind, id string) string { return "ticketing:" + string(kind) + ":" + id }

// Publish announces the changes in one round trip.
func Publish(ctx context.Context, rdb redis.UniversalClient, changes []Change) error {
	if len(changes) == 0 {
		return nil
	}
	_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, c := range changes {
			p.Publish(ctx, Channel(c.Kind, c.ID), strconv.FormatInt(c.Version, 10))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("announce %d changes: %w", len(changes), err)
	}
	return nil
}
