package saga

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"reflect"
	"slices"

	"github.com/jackc/pgx/v5"

	"ticketing/command/event"
	"ticketing/command/eventstore"
)

// foldingVersion is raised when event.Evolve makes something else of the same domain events. What a state consists of is found by eventFormat.
const foldingVersion = 1

// eventFormat names the states that this build folds. A row of another format is not used: its state may lack what this build needs.
var eventFormat = formatOf(reflect.TypeFor[event.State]())

func formatOf(state reflect.Type) string {
	hash := fnv.New64a()
	for i := range state.NumField() {
		field := state.Field(i)
		_, _ = fmt.Fprintf(hash, "%s %s %s\n", field.Name, field.Type, field.Tag)
	}
	return fmt.Sprintf("%d-%x", foldingVersion, hash.Sum64())
}

// eventState is what the domain events of an event add up to, up to a version of its stream.
type eventState struct {
	version int64
	state   event.State
	last    *eventstore.Recorded // of those in this batch; nil: the row is as it should be
}

// behindError says that events have domain events before this batch which their rows lack: the migration has just made the table, or a build of
// another format followed. By id: up to which version.
type behindError struct{ upTo map[string]int64 }

func (e *behindError) Error() string {
	return fmt.Sprintf("the states of %d events are behind", len(e.upTo))
}

// loadEvents reads the states of events. An event without a row has the zero state.
func loadEvents(ctx context.Context, tx pgx.Tx, eventIDs []string) (map[string]*eventState, error) {
	states := make(map[string]*eventState, len(eventIDs))
	if len(eventIDs) == 0 {
		return states, nil
	}
	for _, id := range eventIDs {
		states[id] = &eventState{}
	}
	rows, err := tx.Query(ctx, `SELECT event_id, version, state FROM saga_events WHERE event_id = ANY ($1) AND format = $2`, eventIDs, eventFormat)
	if err != nil {
		return nil, fmt.Errorf("read the states of events: %w", err)
	}
	var id string
	var version int64
	var encoded []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &version, &encoded}, func() error {
		states[id].version = version
		return json.Unmarshal(encoded, &states[id].state)
	})
	if err != nil {
		return nil, fmt.Errorf("read the states of events: %w", err)
	}
	return states, nil
}

// writeEvents writes the states that have changed, and forgets those of builds that are gone.
func (c *changes) writeEvents(b *pgx.Batch) error {
	var ids, states []string
	var versions []int64
	for _, id := range slices.Sorted(maps.Keys(c.events)) {
		e := c.events[id]
		if e.last == nil {
			continue
		}
		encoded, err := json.Marshal(e.state)
		if err != nil {
			return fmt.Errorf("encode the state of event %s: %w", id, err)
		}
		ids, versions, states = append(ids, id), append(versions, e.version), append(states, string(encoded))
	}
	if len(ids) == 0 {
		return nil
	}
	b.Queue(`INSERT INTO saga_events (event_id, format, version, state, folded_at)
		SELECT event_id, $4, version, state::json, clock_timestamp() FROM unnest($1::text[], $2::bigint[], $3::text[]) AS s(event_id, version, state)
		ON CONFLICT (event_id, format) DO UPDATE SET version = excluded.version, state = excluded.state, folded_at = excluded.folded_at`,
		ids, versions, states, eventFormat)
	b.Queue(`DELETE FROM saga_events WHERE event_id = ANY ($1) AND format <> $2 AND folded_at < clock_timestamp() - interval '1 day'`,
		ids, eventFormat)
	return nil
}
