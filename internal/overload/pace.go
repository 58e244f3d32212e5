package overload

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// target is how long operations may take on average before fewer of them are let in: a page feels immediate, and an engine at full speed
	// with a few hundred clients takes less.
	target = 150 * time.Millisecond
	// slack is how many times as long as without much company they may take even when that is longer: PostgreSQL is slow then, and fewer
	// operations at a time would not make it faster.
	slack = 1.5
	// leastShare is the part of a gate that is always open: so many wait for each other little.
	leastShare = 4
	// window is how often the limit changes: some hundred operations of a process that is overloaded.
	window = 100 * time.Millisecond
	// slowest and fastest are by how much the limit changes at a time: operations that leave after a change entered before it.
	slowest, fastest = 0.5, 1.25
)

// pace finds how many operations may run at a time. By Little's law their number is their rate times how long they take; so when they take twice
// as long as they should, half of them are enough to keep the process as busy.
type pace struct {
	most, least int64

	mu    sync.Mutex
	began time.Time     // of the window
	peak  int64         // of those inside, in it
	left  int64         // how many left in it
	took  time.Duration // all of these together
	alone time.Duration // how long operations take without much company
}

// noteLeave changes the limit, once in a window, after an operation has left that took so long, among so many that were inside.
func (p *pace) noteLeave(now time.Time, took time.Duration, inside int64, limit *atomic.Int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left++
	p.took += took
	p.peak = max(p.peak, inside)
	if now.Sub(p.began) < window {
		return
	}
	mean := max(1, p.took/time.Duration(p.left))
	if p.peak <= p.least || mean < p.alone {
		p.alone = mean
	}
	p.began, p.peak, p.left, p.took = now, 0, 0, 0
	factor := max(float64(target), slack*float64(p.alone)) / float64(mean)
	next := float64(limit.Load()) * min(fastest, max(slowest, factor))
	limit.Store(min(p.most, max(p.least, int64(math.Ceil(next)))))
}
