package live

import (
	"context"
	"sync"
	"time"

	"ticketing/internal/announce"
)

const (
	// rereadEvery is how often everything that is watched is read again, announced or not.
	rereadEvery = 3 * time.Second
	// subscribeTimeout is how long the first read of a row waits for Redis to confirm the subscription.
	subscribeTimeout = 300 * time.Millisecond
	// maxBatch is the number of rows that one query reads at most.
	maxBatch = 500
)

// Source says where a feed's objects come from.
type Source[T any] struct {
	// Channels returns the Redis channels on which changes of an object are announced. On a single one these are its new versions.
	Channels func(id string) []string
	// Load returns those of the objects that exist.
	Load func(ctx context.Context, ids []string) (map[string]T, error)
	// Version returns the version of an object.
	Version func(T) int64
}

// Feed delivers the newest states of one kind of object.
type Feed[T any] struct {
	hub    *Hub
	source Source[T]

	mu     sync.Mutex
	topics map[string]*topic[T]
	marked map[string]struct{} // to be read
	reads  uint64              // batches begun
	kick   chan struct{}       // holds one token when marked may not be empty
}

// topic is one object that is watched.
type topic[T any] struct {
	watches map[*Watch[T]]struct{}
	value   T
	version int64
	known   bool   // value is set
	read    uint64 // the last batch that read the row, found or not
	err     error  // why that batch failed
	// announced is when the oldest change was that no watch has seen; zero: there is none.
	announced time.Time
	timer     *time.Timer
	traced    traced
}

// NewFeed returns a feed that the hub runs. It must be called before the hub's Run.
func NewFeed[T any](hub *Hub, source Source[T]) *Feed[T] {
	f := &Feed[T]{hub: hub, source: source, topics: map[string]*topic[T]{}, marked: map[string]struct{}{}, kick: make(chan struct{}, 1)}
	hub.feeds = append(hub.feeds, f)
	return f
}

// Version returns the version of an object.
func (f *Feed[T]) Version(value T) int64 { return f.source.Version(value) }

// Watch starts to watch an object. The caller closes the watch.
func (f *Feed[T]) Watch(id string) *Watch[T] {
	f.mu.Lock()
	defer f.mu.Unlock()
	w := &Watch[T]{feed: f, id: id, since: f.reads, signal: make(chan struct{}, 1)}
	t, watched := f.topics[id]
	if !watched {
		t = &topic[T]{watches: map[*Watch[T]]struct{}{}}
		t.timer = time.AfterFunc(subscribeTimeout, func() { f.onSubscribed(id) })
		f.topics[id] = t
		if f.hub.addRoutes(f.source.Channels(id), route{feed: f, id: id}) {
			f.markObject(id)
		}
	} else {
		f.markObject(id)
	}
	t.watches[w] = struct{}{}
	return w
}

// removeWatch forgets the object with its last watch.
func (f *Feed[T]) removeWatch(w *Watch[T]) {
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
		delete(f.marked, w.id)
		f.hub.removeRoutes(f.source.Channels(w.id), route{feed: f, id: w.id})
	}
}

// onSubscribed is called when announcements are certain to arrive from now on, so that nothing is missed after this read.
func (f *Feed[T]) onSubscribed(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t, watched := f.topics[id]; watched {
		t.timer.Stop()
		f.markObject(id)
	}
}

// onAnnounced is called for every announcement. One of a known version is dropped without a read; on several channels, versions are those of
// different things.
func (f *Feed[T]) onAnnounced(id string, version int64, cause announce.Cause) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t, watched := f.topics[id]; watched && (!t.known || version > t.version || len(f.source.Channels(id)) > 1) {
		if t.announced.IsZero() {
			t.announced = time.Now()
		}
		t.traced.cause = cause
		f.markObject(id)
	}
}

// markObject has a watched object read soon. The caller holds the lock.
func (f *Feed[T]) markObject(id string) {
	f.marked[id] = struct{}{}
	select {
	case f.kick <- struct{}{}:
	default:
	}
}

func (f *Feed[T]) markAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id := range f.topics {
		f.markObject(id)
	}
}

// readMarked reads marked objects until ctx ends, one query at a time: what is announced during a query is in the next one.
func (f *Feed[T]) readMarked(ctx context.Context) error {
	tick := time.NewTicker(rereadEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			f.markAll()
		case <-f.kick:
			for ids := f.takeBatch(); len(ids) > 0 && ctx.Err() == nil; ids = f.takeBatch() {
				f.readBatch(ctx, ids)
			}
		}
	}
}

// takeBatch returns marked objects, which it unmarks, and counts the batch.
func (f *Feed[T]) takeBatch() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	ids := make([]string, 0, min(len(f.marked), maxBatch))
	for id := range f.marked {
		if len(ids) == maxBatch {
			break
		}
		ids = append(ids, id)
		delete(f.marked, id)
	}
	f.reads++
	return ids
}

func (f *Feed[T]) readBatch(ctx context.Context, ids []string) {
	ctx, cancel := context.WithTimeout(ctx, rereadEvery)
	defer cancel()
	values, err := f.load(ctx, ids)
	if err != nil {
		f.hub.logger.WarnContext(ctx, "reading watched rows failed", "error", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		if t, watched := f.topics[id]; watched {
			value, found := values[id]
			f.updateTopic(t, value, found, err)
		}
	}
}

// load reads objects. A panic fails this read only.
func (f *Feed[T]) load(ctx context.Context, ids []string) (values map[string]T, err error) {
	err = errPanicked //nolint:wastedassign // it is returned after a panic
	defer f.hub.recoverPanic(ctx)
	return f.source.Load(f.startReads(ctx, ids), ids)
}

// updateTopic keeps what a batch has read and wakes the watches. Versions only rise: a replica that lags behind changes nothing.
func (f *Feed[T]) updateTopic(t *topic[T], value T, found bool, err error) {
	t.read, t.err = f.reads, err
	change := t.traced.endRead(err)
	if version := f.source.Version; found && (!t.known || version(value) > t.version) {
		t.value, t.version, t.known = value, version(value), true
		if !t.announced.IsZero() {
			f.hub.fanOut.Observe(time.Since(t.announced).Seconds())
			t.announced = time.Time{}
		}
		for w := range t.watches {
			w.change = change.next()
		}
	}
	for w := range t.watches {
		w.wakeReader()
	}
}
