package live

import (
	"cmp"
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/trace"

	"ticketing/internal/overload"
	"ticketing/internal/telemetry"
)

// maxWait is how long AtLeast waits for a row that does not exist yet, or not yet at a version.
const maxWait = 2 * time.Second

// ErrNotThere means that a row did not exist in time, or not at the wanted version.
var ErrNotThere = errors.New("the row does not exist at this version")

// Watch follows one object. It is for one goroutine at a time.
type Watch[T any] struct {
	feed   *Feed[T]
	id     string
	since  uint64 // a batch later than this has read the row after the watch began
	last   int64  // the version that was returned last
	begun  bool   // one was returned
	signal chan struct{}
	change trace.SpanContext // that led to the newest state, if it is traced; guarded by the feed's lock
}

// Close ends the watch.
func (w *Watch[T]) Close() { w.feed.removeWatch(w) }

func (w *Watch[T]) wakeReader() {
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

// Again has the watch return the newest state once more, after the next read of the object.
func (w *Watch[T]) Again() {
	w.feed.mu.Lock()
	defer w.feed.mu.Unlock()
	w.begun, w.since = false, w.feed.reads
}

// takeNewest returns the object's newest state unless the watch has returned it before.
func (w *Watch[T]) takeNewest() (T, bool) {
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

// takeChange returns the span that led to the newest state, once.
func (w *Watch[T]) takeChange() trace.SpanContext {
	w.feed.mu.Lock()
	defer w.feed.mu.Unlock()
	change := w.change
	w.change = trace.SpanContext{}
	return change
}

// waitNewer waits for a state that was not returned before.
func (w *Watch[T]) waitNewer(ctx context.Context) (T, error) {
	for {
		if value, ok := w.takeNewest(); ok {
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

// AtLeast waits up to two seconds for the object to exist at a version, and then reads it once more, since an announcement may be lost. It
// returns ErrNotThere, or the error of the last read.
func (w *Watch[T]) AtLeast(ctx context.Context, version int64) (T, error) {
	limited, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	defer overload.Wait(ctx)()
	for {
		value, err := w.waitNewer(limited)
		switch {
		case err == nil && w.feed.source.Version(value) >= version:
			return value, nil
		case err == nil:
			continue
		case ctx.Err() != nil:
			return value, ctx.Err()
		}
		return w.readNow(ctx, version)
	}
}

// readNow reads the row at once, announced or not.
func (w *Watch[T]) readNow(ctx context.Context, version int64) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, subscribeTimeout)
	defer cancel()
	values, err := w.feed.source.Load(ctx, []string{w.id})
	value, there := values[w.id]
	if err != nil || !there || w.feed.source.Version(value) < version {
		var none T
		return none, cmp.Or(err, w.lastError(), ErrNotThere)
	}
	w.last, w.begun = w.feed.source.Version(value), true
	return value, nil
}

// lastError returns the error of the feed's last read of the object.
func (w *Watch[T]) lastError() error {
	w.feed.mu.Lock()
	defer w.feed.mu.Unlock()
	if t, watched := w.feed.topics[w.id]; watched {
		return t.err
	}
	return nil
}

// Stream returns a channel that gets first and each newer state, until ctx ends; then it closes the watch. A slow reader gets the newest
// state when it reads again, not those in between. A reader that has more to wait for waits for offered first, which gets a value when there
// is a state.
func (w *Watch[T]) Stream(ctx context.Context, first T) (states <-chan *T, offered <-chan struct{}) {
	out, offers := make(chan *T), make(chan struct{})
	go func() {
		defer close(out)
		defer close(offers)
		defer w.Close()
		defer w.feed.hub.recoverPanic(ctx)
		pending := &first
		delivery := telemetry.DeliveryOf(ctx)
		for {
			sending, offering := out, offers
			if pending == nil {
				sending, offering = nil, nil
			}
			select {
			case sending <- pending:
				pending = nil
				delivery.Sent()
			case offering <- struct{}{}:
			case <-w.signal:
				if newer, ok := w.takeNewest(); ok {
					pending = &newer
					delivery.Offer(w.takeChange())
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, offers
}
