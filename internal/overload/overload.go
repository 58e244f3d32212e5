// Package overload bounds how much a process works on at a time, so that what it accepts keeps its latency when more arrives than it can do:
// what is in excess is refused at once, before it costs anything.
package overload

import (
	"context"
	"sync"
	"sync/atomic"
)

// Gate lets a number of operations in. It is safe for concurrent use.
type Gate struct {
	most   int64
	inside atomic.Int64
}

// NewGate returns a gate for at most so many operations.
func NewGate(most int) *Gate { return &Gate{most: int64(most)} }

// Inside returns how many operations are inside.
func (g *Gate) Inside() int { return int(g.inside.Load()) }

// place is what an operation has of a gate. It has none while it waits.
type place struct {
	gate *Gate

	mu    sync.Mutex
	waits int // an operation may wait for several things at a time
	left  bool
}

type placeKey struct{}

// Enter takes a place for the operation of ctx, which Leave gives back. It returns false when there is none.
func (g *Gate) Enter(ctx context.Context) (context.Context, bool) {
	if g.inside.Add(1) > g.most {
		g.inside.Add(-1)
		return ctx, false
	}
	return context.WithValue(ctx, placeKey{}, &place{gate: g}), true
}

// Leave gives back the place of ctx's operation, once. An operation without a place is let alone.
func Leave(ctx context.Context) {
	p, ok := ctx.Value(placeKey{}).(*place)
	if !ok {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.left && p.waits == 0 {
		p.gate.inside.Add(-1)
	}
	p.left = true
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
		p.gate.inside.Add(-1)
	case p.waits == 0:
		p.gate.inside.Add(1)
	}
}
