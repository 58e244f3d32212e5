// Package engine is the write loop: it turns contention into batches and the log's lock into the one right to decide.
//
// Commands queue up. The loop takes the lock, reads what other replicas have added, decides the waiting commands one after another
// in memory from a state that is certainly current, and appends all of it in one transaction, while it decides. So there is no conflict
// to retry, and a rejection is as exact as an acceptance. What keeps it true: decided state survives in the cache only after an
// acknowledged commit; nothing slow happens under the lock; cold streams are loaded before it. (docs/architecture.md, "The engine")
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"ticketing/command/eventstore"
)

// Bounds of the loop. Everything has one.
const (
	batchSize     = 512    // commands decided under one lock
	queueSize     = 16_384 // commands waiting or being decided; one more is refused
	loaders       = 4      // goroutines that load cold streams
	keyTTL        = 24 * time.Hour
	cacheBytes    = 512 << 20
	snapshotEvery = 1_000 // domain events of a stream
)

// ErrUnavailable says that the command was not decided, or that what became of it is not known; the caller may try again, with the
// same idempotency key.
var ErrUnavailable = errors.New("the write side is unavailable")

// Config is what an Engine needs. All fields but Outcomes, Registerer, Clock and Logger are required.
type Config struct {
	Pool       *pgxpool.Pool // of the events database: for loading; the loop has a connection of its own with the same settings
	Registry   *eventstore.Registry
	Aggregates []AnyAggregate
	Outcomes   *redis.Client // caches what idempotency keys came to; nil: the database alone is asked, under the lock
	Clock      func() time.Time
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Engine executes commands. Make it with New, and Run it.
type Engine struct {
	pool       *pgxpool.Pool
	registry   *eventstore.Registry
	categories map[string]*category
	clock      func() time.Time
	log        *slog.Logger
	metrics    *metrics
	outcomes   *outcomes // nil: none are cached

	queue    chan *call
	inflight atomic.Int64
	closed   atomic.Bool
	seen     atomic.Pointer[sighting] // of the log, by the loop
	cold     chan string
	loaded   chan loadResult
	snapshot chan string    // streams that are due for one
	copies   chan copyRequest // of the snapshot writer, for the loop

	// What follows belongs to the loop's goroutine.
	connection *pgx.Conn
	chunk      *chunk
	cache      *cache
	ready      []*call            // all their streams are in the cache
	waiting    map[string][]*call // by the cold stream that they wait for
	head       eventstore.Head    // as of the loop's last look or commit
	foreign    int64              // up to here other replicas may have appended since a stream was checked
}

// New answers an engine that executes nothing until Run.
func New(c Config) *Engine {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	e := &Engine{
		pool: c.Pool, registry: c.Registry, categories: map[string]*category{}, clock: c.Clock, log: c.Logger,
		metrics: newMetrics(c.Registerer), outcomes: newOutcomes(c.Outcomes, c.Logger),
		queue: make(chan *call, queueSize), cold: make(chan string, queueSize), loaded: make(chan loadResult, loaders),
		snapshot: make(chan string, 64), copies: make(chan copyRequest),
		chunk: newChunk(), cache: newCache(cacheBytes), waiting: map[string][]*call{},
	}
	for _, a := range c.Aggregates {
		e.categories[a.describe().name] = a.describe()
	}
	return e
}

// Run decides commands until ctx ends; then it refuses new ones, finishes those that were accepted, and returns.
func (e *Engine) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g, work := errgroup.WithContext(work)
	for range loaders {
		g.Go(func() error { e.loadStreams(work); return nil })
	}
	g.Go(func() error { e.writeSnapshots(work); return nil })
	g.Go(func() error { e.forgetKeys(work); return nil })
	if e.outcomes != nil {
		g.Go(func() error { e.outcomes.runQuestions(work); return nil })
		g.Go(func() error { e.outcomes.writeOutcomes(work); return nil })
	}
	e.runLoop(ctx, work)
	stop()
	if err := g.Wait(); err != nil {
		return fmt.Errorf("engine: %w", err)
	}
	return nil
}

// runLoop is the only goroutine that decides.
func (e *Engine) runLoop(ctx, work context.Context) {
	defer e.disconnect()
	done := ctx.Done()
	var drained <-chan time.Time // looks again whether the last caller is gone, once closed
	for {
		select {
		case <-drained:
		case c := <-e.queue:
			e.admitCall(c)
		case l := <-e.loaded:
			e.admitLoaded(l)
		case order := <-e.copies:
			order.copy <- e.copyStream(order.id)
		case <-done:
			e.closed.Store(true)
			done, drained = nil, time.Tick(5*time.Millisecond)
		}
		e.collectCalls()
		for len(e.ready) > 0 {
			e.runBatch(work)
			e.copyStreams()
			e.collectCalls()
		}
		if e.closed.Load() && e.inflight.Load() == 0 {
			return
		}
	}
}

// collectCalls takes whatever waits, without waiting, until a batch is full.
func (e *Engine) collectCalls() {
	for len(e.ready) < batchSize {
		select {
		case c := <-e.queue:
			e.admitCall(c)
		case l := <-e.loaded:
			e.admitLoaded(l)
		default:
			return
		}
	}
}

// admitCall makes a command ready, or has the first stream that is missing loaded.
func (e *Engine) admitCall(c *call) {
	if c.ctx.Err() != nil {
		e.answerCall(c, result{err: c.ctx.Err()})
		return
	}
	for _, id := range c.streams {
		if e.cache.get(id) != nil {
			continue
		}
		if _, err := e.knownStream(id); err != nil {
			e.answerCall(c, result{err: err})
			return
		}
		e.waiting[id] = append(e.waiting[id], c)
		if len(e.waiting[id]) == 1 {
			e.cold <- id // has room: at most queueSize commands wait, each for one stream
		}
		return
	}
	e.ready = append(e.ready, c)
}
