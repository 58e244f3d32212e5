// Package overload bounds how much a process works on at a time, so that what it accepts keeps its latency when more arrives than it can do:
// what is in excess is refused at once, before it costs anything.
package overload

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Gate lets operations in, fewer of them while they have to wait for each other. It is safe for concurrent use.
type Gate struct {
	pace   pace
	limit  atomic.Int64
	inside atomic.Int64
}

// NewGate returns a gate for at most so many operations, and never for less than a quarter of them.
func NewGate(most int) *Gate {
	g := &Gate{pace: pace{most: int64(most), least: max(1, int64(most)/leastShare), began: time.Now()}}
	g.limit.Store(g.pace.most)
	return g
}

// Inside returns how many operations are inside.
func (g *Gate) Inside() int { return int(g.inside.Load()) }

// Limit returns how many operations may be inside now.
func (g *Gate) Limit() int { return int(g.limit.Load()) }

// Full reports whether Enter would return false now.
func (g *Gate) Full() bool { return g.inside.Load() >= g.limit.Load() }

// place is what an operation has of a gate. It has none while it waits.
type place struct {
	gate *Gate

	mu     sync.Mutex
	since  time.Time // when it got the place, without the times that it waited
	waited time.Time // since when it waits
	waits  int       // an operation may wait for several things at a time
	left   bool
}

type placeKey struct{}

// Enter takes a place for the operation of ctx, which Leave gives back. It returns false when there is none.
func (g *Gate) Enter(ctx context.Context) (context.Context, bool) {
	if g.inside.Add(1) > g.limit.Load() {
		g.inside.Add(-1)
		return ctx, false
	}
	return context.WithValue(ctx, placeKey{}, &place{gate: g, since: time.Now()}), true
}

// Leave gives back the place of ctx's operation, once. An operation without a place is let alone.
func Leave(ctx context.Context) {
	p, ok := ctx.Value(placeKey{}).(*place)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left {
		return
	}
	p.left = true
	if p.waits > 0 {
		p.endWait()
		p.gate.inside.Add(1)
	}
	g, now := p.gate, time.Now()
	g.pace.noteLeave(now, now.Sub(p.since), g.inside.Add(-1)+1, &g.limit)
}

// Wait gives the place up while the operation waits for something outside of this process, or for its own turn, which keeps no processor busy.
// It has the place again, whether or not one is free, when back is called.
func Wait(ctx context.Context) (back func()) {
	p, ok := ctx.Value(placeKey{}).(*place)
	if !ok {
		return func() {}
	}
	p.change(1)
	return func() { p.change(-1) }
}

func (p *place) change(waits int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.waits
	p.waits += waits
	switch {
	case p.left:
	case before == 0:
		p.waited = time.Now()
		p.gate.inside.Add(-1)
	case p.waits == 0:
		p.endWait()
		p.gate.inside.Add(1)
	}
}

func (p *place) endWait() { p.since = p.since.Add(time.Since(p.waited)) }
