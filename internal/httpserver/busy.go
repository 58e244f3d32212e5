package httpserver

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// busyConnections are those that wait for a response, or were accepted and have not sent a request yet.
type busyConnections struct {
	mu    sync.Mutex
	conns map[net.Conn]struct{}
	none  chan struct{} // closed when there are none; nil while no one waits
}

// note is a server's ConnState.
func (b *busyConnections) note(conn net.Conn, state http.ConnState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if state == http.StateNew || state == http.StateActive {
		b.conns[conn] = struct{}{}
		return
	}
	delete(b.conns, conn)
	if len(b.conns) == 0 && b.none != nil {
		close(b.none)
		b.none = nil
	}
}

// awaitNone waits until there are none, or ctx ends. It is called once, when no more connections are accepted.
func (b *busyConnections) awaitNone(ctx context.Context) {
	b.mu.Lock()
	if len(b.conns) == 0 {
		b.mu.Unlock()
		return
	}
	none := make(chan struct{})
	b.none = none
	b.mu.Unlock()
	select {
	case <-none:
	case <-ctx.Done():
	}
}
