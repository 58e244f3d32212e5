package transport

import (
	"context"
	"runtime"
	"sync"
)

// couriers send what WebSockets share with others. A few goroutines do for all of them: a write takes less time than to wake a goroutine of the
// connection, and each such goroutine has a stack.
type couriers struct {
	mu      sync.Mutex
	queue   []*socket // that may have something to send
	busy    int       // couriers
	taken   int       // sockets that couriers have taken from the queue, ever
	waiting []milestone
}

// milestone is waited for by who wants to know that what was queued is being sent. They are in order.
type milestone struct {
	taken   int
	reached chan struct{}
}

// round says what couriers have to do with a socket; it is guarded by their lock.
type round uint8

const (
	roundNone round = iota
	roundQueued
	roundServed
	roundServedAgain // and must be again
)

// mostCouriers is one for each processor: they do not wait. Between responses, a broadcast leaves time to others (pausePerMember).
func mostCouriers() int { return runtime.GOMAXPROCS(0) }

// serveSoon has a socket served soon. It does not wait.
func (c *couriers) serveSoon(s *socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch s.round {
	case roundNone:
		c.queueSocket(s)
	case roundServed:
		s.round = roundServedAgain
	case roundQueued, roundServedAgain:
	}
}

// queueSocket requires the lock.
func (c *couriers) queueSocket(s *socket) {
	s.round = roundQueued
	c.queue = append(c.queue, s)
	if c.busy < mostCouriers() {
		c.busy++
		go c.serveQueue()
	}
}

// serveQueue serves sockets until none is queued.
func (c *couriers) serveQueue() {
	for batch := c.takeQueue(nil); len(batch) > 0; batch = c.takeQueue(batch) {
		for i, s := range batch {
			batch[i] = nil
			c.serve(s)
		}
	}
}

// serve has a socket send what there is. One that panics meanwhile is closed, and never served again.
func (c *couriers) serve(s *socket) {
	defer s.recoverPanic()
	if s.sendShared() {
		c.endRound(s)
	}
}

// mostTaken is how many sockets a courier takes at a time: few enough for the others to have some.
const mostTaken = 64

// takeQueue returns some sockets, none if the courier is to end. It reuses batch.
func (c *couriers) takeQueue(batch []*socket) []*socket {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(mostTaken, len(c.queue))
	batch = append(batch[:0], c.queue[:n]...)
	clear(c.queue[:n])
	c.queue = c.queue[n:]
	for _, s := range batch {
		s.round = roundServed
	}
	c.taken += n
	for len(c.waiting) > 0 && c.waiting[0].taken <= c.taken {
		close(c.waiting[0].reached)
		c.waiting = c.waiting[1:]
	}
	if n == 0 {
		c.busy--
		c.queue = nil
	}
	return batch
}

// awaitTaken waits until couriers have taken the sockets that are queued now. Those that read slowly hold it up no more than others.
func (c *couriers) awaitTaken(ctx context.Context) error {
	m := milestone{reached: make(chan struct{})}
	c.mu.Lock()
	m.taken = c.taken + len(c.queue)
	if len(c.queue) == 0 {
		close(m.reached)
	} else {
		c.waiting = append(c.waiting, m)
	}
	c.mu.Unlock()
	select {
	case <-m.reached:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// endRound is called once a socket was served.
func (c *couriers) endRound(s *socket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	again := s.round == roundServedAgain
	s.round = roundNone
	if again {
		c.queueSocket(s)
	}
}
