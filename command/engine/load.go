package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ticketing/command/eventstore"
)

// loadPage is how many domain events are read at once when a stream is loaded. Each read may take loadTimeout: one whose connection is
// silently gone must not keep its loader from the streams of others.
const (
	loadPage    = 5_000
	loadTimeout = 5 * time.Second
)

type loadResult struct {
	id     string
	stream *stream
	err    error
}

// loadStreams reads streams for the loop, outside of it and without the lock.
func (e *Engine) loadStreams(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case id := <-e.cold:
			s, err := e.loadStream(ctx, id)
			select {
			case e.loaded <- loadResult{id: id, stream: s, err: err}:
			case <-ctx.Done():
				return
			}
		}
	}
}

// loadStream reads a stream for the cache.
func (e *Engine) loadStream(ctx context.Context, id string) (*stream, error) {
	reading, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	head, err := eventstore.ReadHead(reading, e.pool)
	if err != nil {
		return nil, err
	}
	s, err := e.readStream(ctx, id)
	if err != nil {
		return nil, err
	}
	s.checkedAt, s.incarnation = head.Position, head.Incarnation
	return s, nil
}

// readStream reads a stream's snapshot, if there is one, and the domain events after it.
func (e *Engine) readStream(ctx context.Context, id string) (*stream, error) {
	s, err := e.knownStream(id)
	if err != nil {
		return nil, err
	}
	if err := e.readSnapshot(ctx, s); err != nil {
		return nil, err
	}
	for {
		read, err := e.readPage(ctx, s)
		if err != nil {
			return nil, err
		}
		if read < loadPage {
			return s, nil
		}
	}
}

// readPage applies the next domain events to s and returns how many there were.
func (e *Engine) readPage(ctx context.Context, s *stream) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	return eventstore.ReadChanges(ctx, e.pool, s.id, s.version, loadPage, func(c *eventstore.Change) error { return s.applyChange(e.registry, c) })
}

func (e *Engine) readSnapshot(ctx context.Context, s *stream) error {
	if s.category.snapshot == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	version, data, ok, err := eventstore.ReadSnapshot(ctx, e.pool, s.id, s.category.snapshot)
	if err != nil || !ok {
		return err
	}
	state, err := s.category.readSnapshot(data)
	if err != nil {
		e.log.WarnContext(ctx, "could not read a snapshot; the stream is read from its beginning", "stream", s.id, "error", err)
		return nil
	}
	s.state, s.version, s.snapshotted = state, version, version
	return nil
}

// admitLoaded puts a loaded stream into the cache, unless a newer one is there, and admits the commands that waited for it.
func (e *Engine) admitLoaded(l loadResult) {
	waiting := e.waiting[l.id]
	delete(e.waiting, l.id)
	if l.err != nil {
		e.failLoad(waiting, fmt.Errorf("load %s: %w", l.id, l.err))
		return
	}
	e.loading.Note(context.Background(), nil)
	if present := e.cache.get(l.id); present == nil {
		e.cache.put(l.stream)
	}
	e.admitCalls(waiting)
}

// failLoad has the calls decided again, or refuses them at once if trying again can't help.
func (e *Engine) failLoad(waiting []*call, err error) {
	e.metrics.failedLoads.Inc()
	if _, unreadable := errors.AsType[*unreadableError](err); !unreadable {
		e.loading.Note(context.Background(), err)
		e.retryCalls(waiting, err)
		return
	}
	if e.unreadable.IsNews(err.Error()) {
		e.log.Error("this build can't read a stream", "error", err)
	}
	for _, c := range waiting {
		e.answerCall(c, unavailable(err))
	}
}
