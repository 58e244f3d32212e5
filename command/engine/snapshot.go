package engine

import (
	"context"

	"ticketing/command/eventstore"
)

// wantSnapshot requests a snapshot of a stream that has doubled since its last one and grown by snapshotEvery. States grow with their
// streams, so that snapshots at fixed distances would cost the square of the stream's length.
func (e *Engine) wantSnapshot(s *stream) {
	if s.category.snapshot == 0 || s.version-s.snapshotted < max(snapshotEvery, s.snapshotted) {
		return
	}
	select {
	case e.snapshot <- s.id:
		s.snapshotted = s.version
	default: // the writer is behind: the next domain event requests it again
	}
}

// copyRequest asks the loop for a stream as bytes. The reply is buffered, and nil for a stream that is no longer in memory.
type copyRequest struct {
	id   string
	copy chan *eventstore.Snapshot
}

// writeSnapshots writes snapshots outside the loop. A snapshot that can't be written only makes the next load slower.
func (e *Engine) writeSnapshots(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case id := <-e.snapshot:
			if err := e.writeSnapshot(ctx, id); err != nil && ctx.Err() == nil {
				e.log.WarnContext(ctx, "could not write a snapshot", "stream", id, "error", err)
			}
		}
	}
}

func (e *Engine) writeSnapshot(ctx context.Context, id string) error {
	if fresh, err := e.hasFreshSnapshot(ctx, id); err != nil || fresh {
		return err
	}
	request := copyRequest{id: id, copy: make(chan *eventstore.Snapshot, 1)}
	select {
	case e.copies <- request:
	case <-ctx.Done():
		return ctx.Err()
	}
	var c *eventstore.Snapshot
	select {
	case c = <-request.copy:
	case <-ctx.Done():
		return ctx.Err()
	}
	if c == nil {
		return nil
	}
	return eventstore.WriteSnapshot(ctx, e.pool, *c)
}

// copyStreams serves the snapshot writer: only the loop may read its states, and only between two batches, when the lock is not held and
// the states are committed. Commands wait for the encoding, some tenths of a microsecond per reservation, each time that a stream has
// doubled; reading the same from the log took a quarter of the process.
func (e *Engine) copyStreams() {
	for {
		select {
		case r := <-e.copies:
			r.copy <- e.copyStream(r.id)
		default:
			return
		}
	}
}

func (e *Engine) copyStream(id string) *eventstore.Snapshot {
	s := e.cache.get(id)
	if s == nil {
		return nil
	}
	data, err := s.category.writeSnapshot(s.state)
	if err != nil {
		e.log.Error("could not encode a snapshot", "stream", id, "error", err)
		return nil
	}
	return &eventstore.Snapshot{StreamID: id, Version: s.version, SchemaVersion: s.category.snapshot, Incarnation: s.incarnation, Data: data}
}

// hasFreshSnapshot reports whether another replica has just written the snapshot that this one is about to write.
func (e *Engine) hasFreshSnapshot(ctx context.Context, id string) (fresh bool, err error) {
	s, err := e.knownStream(id)
	if err != nil {
		return false, err
	}
	return eventstore.HasFreshSnapshot(ctx, e.pool, id, s.category.snapshot)
}
