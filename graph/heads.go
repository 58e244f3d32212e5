package graph

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"ticketing/command/eventstore"
)

// heads reads the head of the log for all who ask at the same time: one read runs, and who asks meanwhile gets the next one, which begins after
// what they have committed. It is safe for concurrent use.
type heads struct {
	read    func(ctx context.Context) (eventstore.Head, error) // Required.
	timeout time.Duration                                      // of a read. Required.
	logger  *slog.Logger                                       // Required.

	mu      sync.Mutex
	next    *headRead // that has not begun; nil: none is asked for
	running bool
}

var errPanicked = errors.New("the read has panicked")

type headRead struct {
	done chan struct{}
	head eventstore.Head
	err  error
}

// readAfter returns the head as it is after the call.
func (h *heads) readAfter(ctx context.Context) (eventstore.Head, error) {
	r := h.join()
	select {
	case <-r.done:
		return r.head, r.err
	case <-ctx.Done():
		return eventstore.Head{}, ctx.Err()
	}
}

func (h *heads) join() *headRead {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.next == nil {
		h.next = &headRead{done: make(chan struct{})}
	}
	if !h.running {
		h.running = true
		go h.runAll()
	}
	return h.next
}

// runAll reads until nothing is asked for.
func (h *heads) runAll() {
	for r := h.begin(); r != nil; r = h.begin() {
		h.run(r)
	}
}

func (h *heads) begin() *headRead {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.next
	h.next, h.running = nil, r != nil
	return r
}

func (h *heads) run(r *headRead) {
	defer close(r.done)
	ctx, cancel := context.WithTimeout(context.Background(), h.timeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			r.err = errPanicked
			h.logger.ErrorContext(ctx, "panic while the log's head was read", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	r.head, r.err = h.read(ctx)
}
