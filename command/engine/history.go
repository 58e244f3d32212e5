package engine

import (
	"context"
	"fmt"

	"ticketing/command/eventstore"
)

// History returns up to limit domain events of a stream with versions above after, as committed, and the version of the last of them.
func (a *Aggregate[S, C, E]) History(ctx context.Context, e *Engine, id string, after int64, limit int) (page []E, last int64, err error) {
	recorded, err := eventstore.ReadStream(ctx, e.pool, a.Stream(id), after, limit)
	if err != nil {
		return nil, after, fmt.Errorf("read history: %w", err)
	}
	last = after
	for _, r := range recorded {
		decoded, err := e.registry.Decode(r.Type, r.SchemaVersion, r.Data)
		if err != nil {
			return nil, last, fmt.Errorf("read history of %s, version %d: %w", r.StreamID, r.Version, err)
		}
		page, last = append(page, decoded.(E)), r.Version //nolint:forcetypeassert // a category has one type of domain events
	}
	return page, last, nil
}
