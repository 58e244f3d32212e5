package live

import (
	"context"
	"sync"
	"time"
)

const (
	// reread is how often everything that is watched is read again, whatever was announced.
	reread = 3 * time.Second
	// patience is how long the first read of a row waits for Redis to confirm the subscription.
	patience = 300 * time.Millisecond
	// batch is how many rows one query reads at most.
	batch = 500
)

// Source says where a feed's objects come from.
type Source[T any] struct {
	// Channel answers where the new versions of an object are announced.
	Channel func(id string) string
	// Load answers those of the objects that there are.
	Load func(ctx context.Context, ids []string) (map[string]T, error)
	// Version answers the version of an object.
	Version func(T) int64
}

// Feed delivers the newest states of one kind of object.
type Feed[T any] struct {
	hub    *Hub
	source Source[T]

	mu     sync.Mutex
	topics map[string]*topic[T]
	dirty  map[string]struct{} // to be read
	reads  uint64              // batches begun
	kick   chan struct{}       // holds one token when dirty may have something
}

// topic is one object that somebody watches.
type topic[T any] struct {
	watches map[*Watch[T]]struct{}
	value   T
	version int64
	known   bool   // value is set
	read    uint64 // the last batch that read the row, found or not
	err     error  // why that batch failed
	timer   *time.Timer
}

// NewFeed answers a feed that the hub runs. It must be called before the hub's Run.
func NewFeed[T any](hub *Hub, source Source[T]) *Feed[T] {
	f := &Feed[T]{hub: hub, source: source, topics: map[string]*topic[T]{}, dirty: map[string]struct{}{}, kick: make(chan struct{}, 1)}
	hub.feeds = append(hub.feeds, f)
	return f
}

// Version answers the version of an object.
func (f *Feed[T]) Version(value T) int64 { return f.source.Version(value) }

// Watch begins to watch an object. The caller closes the watch.
func (f *Feed[T]) Watch(id string) *Watch[T] {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := &Watch[T]{feed: f, id: id, since: f.reads, signal: make(chan struct{}, 1)}
	t, watched := f.topics[id]
	if !watched {
		t = &topic[T]{watches: map[*Watch[T]]struct{}{}}
		t.timer = time.AfterFunc(patience, func() { f.subscribed(id) })
		f.topics[id] = t
		f.hub.listen(f.source.Channel(id), route{feed: f, id: id})
	} else {
		f.mark(id)
	}
	t.watches[w] = struct{}{}
	return w
}

// unwatch forgets the object with its last watch.
func (f *Feed[T]) unwatch(w *Watch[T]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	t, watched := f.topics[w.id]
	if !watched {
		return
	}
	delete(t.watches, w)
	if len(t.watches) == 0 {
		t.timer.Stop()
		delete(f.topics, w.id)
		delete(f.dirty, w.id)
		f.hub.unlisten(f.source.Channel(w.id))
	}
}

// subscribed is called when announcements are certain to arrive from now on: now is the time to read the row.
func (f *Feed[T]) subscribed(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t, watched := f.topics[id]; watched {
		t.timer.Stop()
		f.mark(id)
	}
}

// announced is called for every announcement. One that is no news is dropped without a read.
func (f *Feed[T]) announced(id string, version int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t, watched := f.topics[id]; watched && (!t.known || version > t.version) {
		f.mark(id)
	}
}

// mark has a watched object read soon. The caller holds the lock.
func (f *Feed[T]) mark(id string) {
	f.dirty[id] = struct{}{}
	select {
	case f.kick <- struct{}{}:
	default:
	}
}

func (f *Feed[T]) markAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id := range f.topics {
		f.mark(id)
	}
}

// run reads what is to be read, one query at a time: what is announced during a query is in the next one.
func (f *Feed[T]) run(ctx context.Context) error {
	tick := time.NewTicker(reread)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			f.markAll()
		case <-f.kick:
			for ids := f.take(); len(ids) > 0 && ctx.Err() == nil; ids = f.take() {
				f.read(ctx, ids)
			}
		}
	}
}

// take answers objects to read and counts the batch.
func (f *Feed[T]) take() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	ids := make([]string, 0, min(len(f.dirty), batch))
	for id := range f.dirty {
		if len(ids) == batch {
			break
		}
		ids = append(ids, id)
		delete(f.dirty, id)
	}
	f.reads++
	return ids
}

func (f *Feed[T]) read(ctx context.Context, ids []string) {
	ctx, cancel := context.WithTimeout(ctx, reread)
	defer cancel()
	values, err := f.source.Load(ctx, ids)
	if err != nil {
		f.hub.logger.WarnContext(ctx, "watched rows can't be read", "error", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		if t, watched := f.topics[id]; watched {
			value, found := values[id]
			f.update(t, value, found, err)
		}
	}
}

// update notes what a batch has read and tells the watches. Versions only rise: a replica that lags behind takes nothing back.
func (f *Feed[T]) update(t *topic[T], value T, found bool, err error) {
	t.read, t.err = f.reads, err
	if version := f.source.Version; found && (!t.known || version(value) > t.version) {
		t.value, t.version, t.known = value, version(value), true
	}
	for w := range t.watches {
		w.wake()
	}
}
