package engine

import (
	"context"
	"fmt"

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
	copy chan *streamCopy
}

type streamCopy struct {
	version       int64
	schemaVersion int
	incarnation   string
	data          []byte
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
	request := copyRequest{id: id, copy: make(chan *streamCopy, 1)}
	select {
	case e.copies <- request:
	case <-ctx.Done():
		return ctx.Err()
	}
	var c *streamCopy
	select {
	case c = <-request.copy:
	case <-ctx.Done():
		return ctx.Err()
	}
	if c == nil {
		return nil
	}
	_, err := e.pool.Exec(ctx, `INSERT INTO snapshots AS old (stream_id, version, schema_version, incarnation, data) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (stream_id) DO UPDATE SET version = excluded.version, schema_version = excluded.schema_version,
			incarnation = excluded.incarnation, data = excluded.data
		WHERE old.version < excluded.version OR old.incarnation <> excluded.incarnation OR old.schema_version <> excluded.schema_version`,
		id, c.version, c.schemaVersion, c.incarnation, c.data)
	if err != nil {
		return fmt.Errorf("write snapshot of %s: %w", id, err)
	}
	return nil
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

func (e *Engine) copyStream(id string) *streamCopy {
	s := e.cache.get(id)
	if s == nil {
		return nil
	}
	data, err := s.category.writeSnapshot(s.state)
	if err != nil {
		e.log.Error("could not encode a snapshot", "stream", id, "error", err)
		return nil
	}
	return &streamCopy{version: s.version, schemaVersion: s.category.snapshot, incarnation: s.incarnation, data: data}
}

// hasFreshSnapshot reports whether another replica has just written the snapshot that this one is about to write.
func (e *Engine) hasFreshSnapshot(ctx context.Context, id string) (fresh bool, err error) {
	s, err := e.knownStream(id)
	if err != nil {
		return false, err
	}
	err = e.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM snapshots s JOIN log_incarnation i USING (incarnation)
			WHERE s.stream_id = $1 AND i.shard = $2 AND s.schema_version = $3
				AND s.version > (SELECT max(version) FROM domain_events d WHERE d.stream_id = $1) / 2)`,
		id, eventstore.Shard, s.category.snapshot).Scan(&fresh)
	if err != nil {
		return false, fmt.Errorf("find a snapshot of %s: %w", id, err)
	}
	return fresh, nil
}
