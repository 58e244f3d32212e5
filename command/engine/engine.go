// Package engine is the write loop: it turns contention into batches. The log's lock is the right to decide, and one replica has it at a
// time.
//
// Commands queue up. The loop takes the lock, reads what other replicas have appended, decides the waiting commands one after another in
// memory from current states, and appends their domain events in one transaction while it decides. So there is no conflict to retry, and a
// rejection is as exact as an acceptance. Three rules keep this true: a decided state stays in the cache only after an acknowledged commit;
// nothing slow happens under the lock; streams that are not in memory are loaded before it. (docs/architecture.md, "The engine")
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"ticketing/command/eventstore"
	"ticketing/internal/supervise"
)

// Bounds of the loop. Everything has one.
const (
	batchSize     = 512    // commands decided under one lock
	queueSize     = 16_384 // commands waiting or being decided; more are refused
	loaders       = 8      // goroutines that load streams
	keyTTL        = 24 * time.Hour
	snapshotEvery = 1_000 // domain events of a stream
)

// ErrUnavailable says that the command was not decided, or that its outcome is not known; the caller may try again, with the same
// idempotency key.
var ErrUnavailable = errors.New("the write side is unavailable")

// Config is what an Engine needs.
type Config struct {
	Pool       *pgxpool.Pool         // Of the events database, for reading; the loop has its own connection with the same settings. Required.
	Registry   *eventstore.Registry  // Of all domain events of the Aggregates. Required.
	Aggregates []AnyAggregate        // Required.
	Outcomes   *redis.Client         // Caches the outcomes of idempotency keys. Default: they are looked up in the database only.
	CacheBytes int                   // What streams may take in memory. Default: 128 MiB.
	Logger     *slog.Logger          // Default: slog.Default().
	Registerer prometheus.Registerer // Default: metrics are not registered.
	// Committed is called with each domain event after the acknowledged commit of its batch, and with its stream's state by then, which it
	// may neither keep nor change. The loop waits for it. Default: nothing is called.
	Committed func(domainEvent, state any)
}

func (c Config) withDefaults() Config {
	if c.CacheBytes == 0 {
		c.CacheBytes = 128 << 20
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Engine executes commands. Make it with New and start it with Run.
type Engine struct {
	pool       *pgxpool.Pool
	registry   *eventstore.Registry
	categories map[string]*category
	log        *slog.Logger
	fault      *supervise.Fault // of committing
	loading    *supervise.Fault
	unreadable *supervise.Repetitions
	metrics    *metrics
	committed  func(domainEvent, state any)
	outcomes   *outcomes // nil: none are cached

	queue    chan *call
	inflight atomic.Int64
	closed   atomic.Bool
	seen     atomic.Pointer[sighting] // the loop's last, of the log
	cold     chan string
	loaded   chan loadResult
	again    chan []*call     // to decide again
	snapshot chan string      // streams that are due for one
	copies   chan copyRequest // from the snapshot writer to the loop

	// The fields below belong to the loop's goroutine.
	connection   *session
	chunk        *chunk
	cache        *cache
	ready        []*call            // all their streams are in the cache
	waiting      map[string][]*call // by the stream that they wait for
	head         eventstore.Head    // after the loop's last read or commit
	now          time.Time          // the log's, when the lock was taken
	decidingTime time.Duration
	foreign      int64            // up to here other replicas may have appended since a stream was checked
	pause        <-chan time.Time // no batch is tried before; nil: PostgreSQL works
}

// New returns an engine that executes nothing until Run. It panics without a required field.
func New(c Config) *Engine {
	if c.Pool == nil || c.Registry == nil || len(c.Aggregates) == 0 {
		panic("make an engine: Pool, Registry and Aggregates are required")
	}
	c = c.withDefaults()
	e := &Engine{
		pool: c.Pool, registry: c.Registry, categories: map[string]*category{}, log: c.Logger,
		fault: supervise.NewFault("committing batches", c.Logger), loading: supervise.NewFault("loading streams", c.Logger),
		unreadable: supervise.NewRepetitions(),
		metrics:    newMetrics(c.Registerer), committed: c.Committed, outcomes: newOutcomes(c.Outcomes, c.Logger),
		queue: make(chan *call, queueSize), cold: make(chan string, queueSize), loaded: make(chan loadResult, loaders), again: make(chan []*call),
		snapshot: make(chan string, 64), copies: make(chan copyRequest), decidingTime: decidingTime,
		chunk: newChunk(), cache: newCache(c.CacheBytes), waiting: map[string][]*call{},
	}
	for _, a := range c.Aggregates {
		e.categories[a.describe().name] = a.describe()
	}
	registerQueue(c.Registerer, &e.inflight)
	return e
}

// Run decides commands until ctx is done; then it refuses new ones, finishes those that were accepted, and returns.
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
		return fmt.Errorf("run the engine: %w", err)
	}
	return nil
}

// runLoop is the only goroutine that decides.
func (e *Engine) runLoop(ctx, work context.Context) {
	defer e.disconnect()
	done := ctx.Done()
	var drained <-chan time.Time // once closed: checks again whether the last caller has its result
	for {
		select {
		case <-drained:
		case c := <-e.queue:
			e.admitCall(c)
		case l := <-e.loaded:
			e.admitLoaded(l)
		case calls := <-e.again:
			e.admitCalls(calls)
		case <-e.pause:
			e.pause = nil
		case r := <-e.copies:
			r.copy <- e.copyStream(r.id)
		case <-done:
			e.closed.Store(true)
			done, drained = nil, time.Tick(5*time.Millisecond)
		}
		e.collectCalls()
		for len(e.ready) > 0 && e.pause == nil {
			e.runBatch(work)
			e.copyStreams()
			e.collectCalls()
		}
		if e.closed.Load() && e.inflight.Load() == 0 {
			return
		}
	}
}

// collectCalls admits the calls that are in the queues, without blocking, until a batch is full.
func (e *Engine) collectCalls() {
	for len(e.ready) < batchSize {
		select {
		case c := <-e.queue:
			e.admitCall(c)
		case l := <-e.loaded:
			e.admitLoaded(l)
		case calls := <-e.again:
			e.admitCalls(calls)
		default:
			return
		}
	}
}

func (e *Engine) admitCalls(calls []*call) {
	for _, c := range calls {
		e.admitCall(c)
	}
}

// admitCall makes a call ready, or has the first of its streams that is not in memory loaded.
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
