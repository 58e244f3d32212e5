package saga

import (
	"context"
	"fmt"

	"ticketing/command/audit"
	"ticketing/command/eventstore"
)

// ReadWindingUp returns a function that reports whether the saga may not have wound up a cancelled event yet: it has not followed the log
// to the event's cancellation, the event's stream waits for a newer build, or its job is not done.
func ReadWindingUp(ctx context.Context, db eventstore.Querier) (audit.WindingUp, error) {
	var followed int64
	var unfinished []string
	err := db.QueryRow(ctx, `SELECT `+positionSQL+`, ARRAY(
			SELECT args->>'event_id' FROM river_job WHERE kind = 'event_cancelled' AND state NOT IN ('completed', 'cancelled', 'discarded')
			UNION ALL SELECT substr(stream_id, 7) FROM saga_aside WHERE stream_id LIKE 'event-%'
		)`).Scan(&followed, &unfinished)
	if err != nil {
		return nil, fmt.Errorf("read which events are being wound up: %w", err)
	}
	isUnfinished := make(map[string]bool, len(unfinished))
	for _, id := range unfinished {
		isUnfinished[id] = true
	}
	return func(eventID string, cancelledAt int64) bool { return isUnfinished[eventID] || followed < cancelledAt }, nil
}
