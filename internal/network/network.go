// Package network opens TCP connections that notice when their other side is silently gone. After a failover whose old host has vanished,
// or behind a firewall that has dropped a connection, neither FIN nor RST ever arrives: without a bound, a reader waits for hours. What
// is done about a lost connection is left to the packages that use it.
package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// The kernel ends a connection whose data are not acknowledged for unacknowledged, or that has been idle and does not respond to probes.
// Both only see a host that is gone: what a hung proxy accepts is acknowledged. That is what Config.Silence is for.
const (
	unacknowledged = 10 * time.Second
	probeAfter     = 5 * time.Second
	probeEvery     = 2 * time.Second
	mostProbes     = 3
)

// ErrSilent says that the other side has sent or taken nothing for longer than Config.Silence. The connection is closed.
var ErrSilent = errors.New("the connection is silent")

// DialFunc opens a connection.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// Config is how connections are opened.
type Config struct {
	// Silence is how long a read or a write may make no progress. Deadlines that the caller sets besides are then at most a second away.
	// Default: 0, the caller sets its own deadlines.
	Silence   time.Duration
	OnSilent  func(error) // Is called, in a goroutine of its own, after a connection has ended with ErrSilent. Default: nothing is called.
	OnFailure func(error) // Is called when a connection can't be opened. Default: nothing is called.
	Dial      DialFunc    // Default: Dial of this package.
}

// Dialer opens connections and knows those that are open. It is safe for concurrent use.
type Dialer struct {
	cfg  Config
	mu   sync.Mutex
	open map[*connection]struct{}
}

// New returns a dialer.
func New(c Config) *Dialer {
	if c.Dial == nil {
		c.Dial = Dial
	}
	return &Dialer{cfg: c, open: map[*connection]struct{}{}}
}

// Dial opens a connection that the kernel ends within seconds after its other side is gone.
func Dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{
		Control:         setUserTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: probeAfter, Interval: probeEvery, Count: mostProbes},
	}
	return d.DialContext(ctx, network, address)
}

// DialContext opens a connection.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	raw, err := d.cfg.Dial(ctx, network, address)
	if err != nil {
		if ctx.Err() == nil && d.cfg.OnFailure != nil {
			d.cfg.OnFailure(err)
		}
		return nil, err
	}
	c := &connection{Conn: raw, dialer: d}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[c] = struct{}{}
	return c, nil
}

// CloseAll closes all open connections.
func (d *Dialer) CloseAll() {
	d.mu.Lock()
	open := d.open
	d.open = map[*connection]struct{}{}
	d.mu.Unlock()
	for c := range open {
		_ = c.Conn.Close()
	}
}

// Waiting returns for how long the connection that waits longest has waited for its other side.
func (d *Dialer) Waiting() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	var longest time.Duration
	for c := range d.open {
		longest = max(longest, c.waiting())
	}
	return longest
}

// connection bounds how long reads and writes wait. It keeps the deadlines that its user sets, since both share the kernel's.
type connection struct {
	net.Conn

	dialer  *Dialer
	mu      sync.Mutex
	reading waitState
	writing waitState
}

// waitState is what bounds one direction.
type waitState struct {
	deadline time.Time // as the user set it; zero: none
	began    time.Time // when the call that waits began; zero: none waits
}

// isOurs reports whether nothing else bounds the call that waits. A user who sets a deadline interrupts it, or closes the connection.
func (w waitState) isOurs() bool { return !w.began.IsZero() && w.deadline.IsZero() }

// deadlineWith returns the user's deadline or, without one, the end of the allowed silence; zero for neither.
func (w waitState) deadlineWith(silence time.Duration) time.Time {
	if silence == 0 || !w.isOurs() {
		return w.deadline
	}
	return w.began.Add(silence)
}

func (c *connection) Read(p []byte) (int, error) {
	return c.bound(&c.reading, c.Conn.SetReadDeadline, c.Conn.Read, p)
}

func (c *connection) Write(p []byte) (int, error) {
	return c.bound(&c.writing, c.Conn.SetWriteDeadline, c.Conn.Write, p)
}

func (c *connection) bound(w *waitState, setDeadline func(time.Time) error, call func([]byte) (int, error), p []byte) (int, error) {
	silence := c.dialer.cfg.Silence
	c.mu.Lock()
	w.began = time.Now()
	if silence > 0 {
		_ = setDeadline(w.deadlineWith(silence)) // a closed connection says so in the call
	}
	c.mu.Unlock()
	n, err := call(p)
	c.mu.Lock()
	ours := silence > 0 && w.isOurs()
	w.began = time.Time{}
	c.mu.Unlock()
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() && ours {
		_ = c.Close()
		err := fmt.Errorf("%w: nothing for %s from %s", ErrSilent, silence, c.RemoteAddr())
		if c.dialer.cfg.OnSilent != nil {
			go c.dialer.cfg.OnSilent(err)
		}
		return n, err
	}
	return n, err
}

func (c *connection) waiting() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.reading.isOurs() {
		return 0
	}
	return time.Since(c.reading.began)
}

// Close closes the connection.
func (c *connection) Close() error {
	c.dialer.mu.Lock()
	delete(c.dialer.open, c)
	c.dialer.mu.Unlock()
	return c.Conn.Close()
}

// SetDeadline is part of net.Conn.
func (c *connection) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline is part of net.Conn.
func (c *connection) SetReadDeadline(t time.Time) error {
	return c.setDeadline(&c.reading, t, c.Conn.SetReadDeadline)
}

// SetWriteDeadline is part of net.Conn.
func (c *connection) SetWriteDeadline(t time.Time) error {
	return c.setDeadline(&c.writing, t, c.Conn.SetWriteDeadline)
}

// longestDrain caps deadlines that users set. pgx sets one of 15 s to drain a connection that it gives up, and keeps its place in the pool
// for as long: the pool ran out of places.
const longestDrain = time.Second

func (c *connection) setDeadline(w *waitState, t time.Time, set func(time.Time) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if limit := time.Now().Add(longestDrain); c.dialer.cfg.Silence > 0 && t.After(limit) {
		t = limit
	}
	w.deadline = t
	return set(w.deadlineWith(c.dialer.cfg.Silence))
}
