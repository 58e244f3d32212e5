// Package verify proves that the platform tells one story: it replays the whole log through the aggregates, checks the invariants that
// no decision may ever break, and compares what the log says with the read tables, row by row and column by column.
//
// It only reads, and it may run beside everything else. What it expects of a row it takes from the aggregates' states, not from the
// projections' code, so that a mistake made there does not hide itself. It keeps the state of every stream in memory, not its history.
package verify

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/command/eventstore" //nolint:depguard // see the package's comment: it is the write side that is checked
)

// Options is what Run needs. All fields but Wait and Show are required.
type Options struct {
	Events   *pgxpool.Pool // the events database, which holds the log
	Read     *pgxpool.Pool // the database of the read tables
	Registry *eventstore.Registry
	Topics   map[string]string // name of the topic by category of streams: tells how far the projections are
	Wait     time.Duration     // how long rows that are behind are waited for
	Show     int               // how many findings of each kind the report keeps; the others are only counted
}

// Run verifies. Its error says that it could not; what it found stands in the report.
func Run(ctx context.Context, o Options) (*Report, error) {
	began := time.Now()
	found := NewReport(o.Show)
	defer func() { found.Took = time.Since(began) }()
	windingUp, err := readWindingUp(ctx, o.Events) // before the head: what is wound up by now is so in the log up to there
	if err != nil {
		return found, err
	}
	head, err := eventstore.ReadHead(ctx, o.Events)
	if err != nil {
		return found, fmt.Errorf("verify: %w", err)
	}
	log := NewLog(o.Registry, 0)
	if err := log.Read(ctx, o.Events, head.Position, found); err != nil {
		return found, err
	}
	if log.last != head.Position {
		found.broken("log", "it ends at position %d, and its head is %d", log.last, head.Position)
	}
	log.Check(windingUp.covers, found)
	for _, p := range log.projections() {
		if err := compare(ctx, o, log, head, p, found); err != nil {
			return found, err
		}
	}
	return found, nil
}

// windingUp is what the saga has still to do about cancelled events.
type windingUp struct {
	followed int64 // up to this position of the log
	events   map[string]bool
}

// covers says whether the saga may not have wound the event up yet, which was cancelled at that position.
func (w windingUp) covers(eventID string, cancelledAt int64) bool {
	return w.events[eventID] || w.followed < cancelledAt
}

func readWindingUp(ctx context.Context, events *pgxpool.Pool) (windingUp, error) {
	w := windingUp{events: map[string]bool{}}
	var ids []string
	err := events.QueryRow(ctx, `SELECT position, ARRAY(
			SELECT args->>'event_id' FROM river_job WHERE kind = 'event_cancelled' AND state NOT IN ('completed', 'cancelled', 'discarded')
		) FROM saga_cursor WHERE shard = $1`, eventstore.Shard).Scan(&w.followed, &ids)
	if err != nil {
		return w, fmt.Errorf("verify: read which events are being wound up: %w", err)
	}
	for _, id := range ids {
		w.events[id] = true
	}
	return w, nil
}

// sorted answers the keys of a map in order, so that two runs tell the same in the same order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
