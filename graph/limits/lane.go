package limits

import (
	"context"
	"runtime"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"

	"ticketing/internal/overload"
)

const (
	// HeavyCost is what an operation costs that waits for a place among the heavy ones: about 5 ms of a processor.
	HeavyCost = 2_000
	// lightShare is what the light operations may cost that run for one client at a time: many pages, or one operation that is nearly heavy.
	// Several clients may use theirs at a time, and others wait for all of them.
	lightShare = HeavyCost / 4
)

// Lanes let few heavy operations run at a time, of each client one, so that light ones always have processors left; and of light ones a share
// for each client. They are safe for concurrent use.
type Lanes struct {
	places *semaphore.Weighted // of heavy operations
	waits  *prometheus.CounterVec

	mu      sync.Mutex
	clients map[string]*turns
}

// turns are what the operations of one client wait for.
type turns struct {
	heavy, light *semaphore.Weighted
	users        int
}

// NewLanes returns lanes of which the heavy one has half of the processors. Metrics are not registered with a nil registerer.
func NewLanes(registerer prometheus.Registerer) *Lanes {
	l := newLanes(max(1, runtime.GOMAXPROCS(0)/2)) // half
	if registerer != nil {
		registerer.MustRegister(l.waits)
	}
	for _, lane := range []string{heavyLane, lightLane} {
		l.waits.WithLabelValues(lane) // so that both can be watched from the start
	}
	return l
}

const heavyLane, lightLane = "heavy", "light"

func newLanes(places int) *Lanes {
	return &Lanes{
		places: semaphore.NewWeighted(int64(places)), clients: map[string]*turns{},
		waits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ticketing_graphql_lane_waits_total",
			Help: "Operations that waited for others: heavy ones for a place, light ones since too many of their client were running.",
		}, []string{"lane"}),
	}
}

// Enter waits for the place of an operation of this cost until ctx ends. The caller leaves.
func (l *Lanes) Enter(ctx context.Context, client string, cost int) (leave func(), err error) {
	t := l.joinTurns(client)
	lane, entries := lightLane, []entry{{t.light, int64(min(max(cost, 1), lightShare))}}
	if cost >= HeavyCost {
		lane, entries = heavyLane, []entry{{t.heavy, 1}, {l.places, 1}}
	}
	if err := l.takeAll(ctx, lane, entries); err != nil {
		l.leaveTurns(client, t)
		return nil, err
	}
	return func() {
		leaveAll(entries)
		l.leaveTurns(client, t)
	}, nil
}

// entry is what an operation takes of something.
type entry struct {
	of   *semaphore.Weighted
	cost int64
}

// takeAll takes all entries, in this order, or none.
func (l *Lanes) takeAll(ctx context.Context, lane string, entries []entry) error {
	var wait sync.Once
	for i, e := range entries {
		if e.of.TryAcquire(e.cost) {
			continue
		}
		wait.Do(l.waits.WithLabelValues(lane).Inc)
		back := overload.Wait(ctx)
		err := e.of.Acquire(ctx, e.cost)
		back()
		if err != nil {
			leaveAll(entries[:i])
			return err
		}
	}
	return nil
}

func leaveAll(entries []entry) {
	for _, e := range entries {
		e.of.Release(e.cost)
	}
}

func (l *Lanes) joinTurns(client string) *turns {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.clients[client]
	if t == nil {
		t = &turns{heavy: semaphore.NewWeighted(1), light: semaphore.NewWeighted(lightShare)}
		l.clients[client] = t
	}
	t.users++
	return t
}

// leaveTurns forgets the client after its last operation.
func (l *Lanes) leaveTurns(client string, t *turns) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.users--; t.users == 0 {
		delete(l.clients, client)
	}
}
