package projector

import (
	"context"
	"fmt"

	"ticketing/command/eventstore"
	"ticketing/projector/db"
)

// prepare answers a writer for the live tables. Tables that were filled from another incarnation of the log are filled again from
// this one first: they may hold what never happened.
func (r *runner) prepare(ctx context.Context) (*writer, error) {
	w, head, err := newWriter(ctx, r.cfg, r.projection, r.metrics)
	if err != nil {
		return nil, err
	}
	if w.incarnation != head.Incarnation {
		r.log.Warn("the log has a new incarnation: the tables are filled again", "old", w.incarnation, "new", head.Incarnation)
		if err := rebuildForeign(ctx, w); err != nil {
			return nil, err
		}
		if w, _, err = newWriter(ctx, r.cfg, r.projection, r.metrics); err != nil {
			return nil, err
		}
	}
	w.announcer = r.announcer
	// What an older build, or older tables, could not apply may be no trouble any more.
	if !r.replayed {
		if _, _, err := w.replayAll(ctx, nil); err != nil {
			return nil, err
		}
		r.replayed = true
	}
	return w, nil
}

// newWriter answers a writer for the live tables, which are taken to be of the log's present incarnation when there are none yet,
// and the head of the log.
func newWriter(ctx context.Context, cfg Config, p Projection, m *metrics) (*writer, eventstore.Head, error) {
	q := db.New(cfg.Read)
	head, err := eventstore.ReadHead(ctx, cfg.Events)
	if err != nil {
		return nil, head, fmt.Errorf("projector: %w", err)
	}
	if err := q.AddProjection(ctx, db.AddProjectionParams{Name: p.Name(), Incarnation: head.Incarnation}); err != nil {
		return nil, head, fmt.Errorf("projector: add projection %s: %w", p.Name(), err)
	}
	row, err := q.Projection(ctx, p.Name())
	if err != nil {
		return nil, head, fmt.Errorf("projector: read projection %s: %w", p.Name(), err)
	}
	w := &writer{
		projection: p, read: cfg.Read, events: cfg.Events, registry: cfg.Registry, generation: row.Generation,
		incarnation: row.Incarnation, metrics: m, log: cfg.Logger.With("projection", p.Name()),
	}
	w.guard = w.fence
	return w, head, nil
}
