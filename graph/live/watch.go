package live

import (
	"context"
	"errors"
	"time"
)

// wait is how long a row that is not there yet, or not yet at a version, is waited for.
const wait = 2 * time.Second

// ErrNotThere says that a row did not come to be there, or at the version wanted, in time.
var ErrNotThere = errors.New("live: the row is not there in time")

// Watch follows one object. It is for one goroutine at a time.
type Watch[T any] struct {
	feed   *Feed[T]
	id     string
	since  uint64 // a batch later than this has read the row after the watch began
	last   int64  // the version that was answered last
	begun  bool   // one was answered
	signal chan struct{}
}

// Close ends the watch.
func (w *Watch[T]) Close() { w.feed.unwatch(w) }

func (w *Watch[T]) wake() {
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

// newest answers the object's newest state if the watch has not answered it before.
func (w *Watch[T]) newest() (T, bool) {
	w.feed.mu.Lock()
	defer w.feed.mu.Unlock()
	t, watched := w.feed.topics[w.id]
	if !watched || !t.known || t.read <= w.since || (w.begun && t.version <= w.last) {
		var none T
		return none, false
	}
	w.last, w.begun = t.version, true
	return t.value, true
}

// next waits for a state that was not answered before.
func (w *Watch[T]) next(ctx context.Context) (T, error) {
	for {
		if value, ok := w.newest(); ok {
			return value, nil
		}
		select {
		case <-w.signal:
		case <-ctx.Done():
			var none T
			return none, ctx.Err()
		}
	}
}

// AtLeast waits up to two seconds for the object to be there at a version, and then looks once more, for an announcement may be lost. Else it
// answers ErrNotThere, or why the row can't be read.
func (w *Watch[T]) AtLeast(ctx context.Context, version int64) (T, error) {
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		value, err := w.next(limited)
		switch {
		case err == nil && w.feed.source.Version(value) >= version:
			return value, nil
		case err == nil:
			continue
		case ctx.Err() != nil:
			return value, ctx.Err()
		}
		return w.look(ctx, version)
	}
}

// look reads the row at once, whatever was announced.
func (w *Watch[T]) look(ctx context.Context, version int64) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	values, err := w.feed.source.Load(ctx, []string{w.id})
	value, there := values[w.id]
	if err != nil || !there || w.feed.source.Version(value) < version {
		var none T
		return none, w.failure()
	}
	w.last, w.begun = w.feed.source.Version(value), true
	return value, nil
}

// failure answers why there is nothing.
func (w *Watch[T]) failure() error {
	w.feed.mu.Lock()
	defer w.feed.mu.Unlock()
	if t, watched := w.feed.topics[w.id]; watched && t.err != nil {
		return t.err
	}
	return ErrNotThere
}

// Stream answers a channel with first and whatever is newer, until ctx ends; then it closes the watch. A reader that is slow gets the
// newest state when it comes back, not those in between.
func (w *Watch[T]) Stream(ctx context.Context, first T) <-chan *T {
	states := make(chan *T)
	go func() {
		defer close(states)
		defer w.Close()
		pending := &first
		for {
			var out chan<- *T
			if pending != nil {
				out = states
			}
			select {
			case out <- pending:
				pending = nil
			case <-w.signal:
				if newer, ok := w.newest(); ok {
					pending = &newer
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return states
}
