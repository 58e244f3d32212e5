package simulation

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// wire is one direction of a connection in memory. It has room, unlike net.Pipe: clients of PostgreSQL send on while replies wait for them.
type wire struct {
	mu       sync.Mutex
	changed  *sync.Cond
	data     []byte
	closed   bool
	unread   bool // the reader has left; what is written is lost, without an error at first
	deadline time.Time
	timer    *time.Timer
}

func newWire() *wire {
	w := &wire{}
	w.changed = sync.NewCond(&w.mu)
	return w
}

func (w *wire) read(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		switch {
		case !w.deadline.IsZero() && !time.Now().Before(w.deadline):
			return 0, os.ErrDeadlineExceeded
		case len(w.data) > 0:
			n := copy(p, w.data)
			w.data = w.data[n:]
			return n, nil
		case w.closed || w.unread:
			return 0, io.EOF
		}
		w.changed.Wait()
	}
}

func (w *wire) write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return 0, net.ErrClosed
	}
	if w.unread {
		return len(p), nil
	}
	w.data = append(w.data, p...)
	w.changed.Broadcast()
	return len(p), nil
}

// end closes the wire. What is on it may still be read, unless it is lost.
func (w *wire) end(lost bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if lost {
		w.data = nil
	}
	if w.timer != nil {
		w.timer.Stop()
	}
	w.changed.Broadcast()
}

// leave ends the wire for its reader.
func (w *wire) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unread, w.data = true, nil
	if w.timer != nil {
		w.timer.Stop()
	}
	w.changed.Broadcast()
}

func (w *wire) setDeadline(t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
	}
	w.deadline = t
	if t.IsZero() || w.closed || w.unread {
		return
	}
	if left := time.Until(t); left > 0 {
		w.timer = time.AfterFunc(left, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.changed.Broadcast()
		})
	}
	w.changed.Broadcast()
}

// connection is one end of two wires.
type connection struct{ in, out *wire }

func newConnection() (client, server *connection) {
	a, b := newWire(), newWire()
	return &connection{in: a, out: b}, &connection{in: b, out: a}
}

func (c *connection) Read(p []byte) (int, error)  { return c.in.read(p) }
func (c *connection) Write(p []byte) (int, error) { return c.out.write(p) }

// Close is part of net.Conn.
func (c *connection) Close() error {
	c.in.leave()
	c.out.end(false)
	return nil
}

// cut loses what is on its way.
func (c *connection) cut() {
	c.in.end(true)
	c.out.end(true)
}

func (c *connection) LocalAddr() net.Addr  { return &net.TCPAddr{} }
func (c *connection) RemoteAddr() net.Addr { return &net.TCPAddr{} }

// SetDeadline is part of net.Conn. Writing never waits.
func (c *connection) SetDeadline(t time.Time) error {
	c.in.setDeadline(t)
	return nil
}

func (c *connection) SetReadDeadline(t time.Time) error { return c.SetDeadline(t) }
func (c *connection) SetWriteDeadline(time.Time) error  { return nil }
