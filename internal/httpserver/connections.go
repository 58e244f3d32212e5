package httpserver

import (
	"net"
	"sync/atomic"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// mostConnections is twice the WebSockets of an api: each takes about 20 KB.
const mostConnections = 40_000

// defaultConnections leaves a quarter of the files that this process may open for databases, the broker and gateways.
func defaultConnections() int {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return mostConnections
	}
	return int(min(mostConnections, max(1, files.Cur/4*3))) //nolint:gosec,nolintlint // bounded
}

// boundedListener closes connections beyond a number as soon as they come, so that their clients go elsewhere. In the kernel's queue they would
// wait for their own timeouts, and without a bound nothing could be opened any more: files, connections to PostgreSQL.
type boundedListener struct {
	net.Listener

	most    int64
	open    atomic.Int64
	refused prometheus.Counter
}

func boundConnections(listener net.Listener, c Config) *boundedListener {
	l := &boundedListener{Listener: listener, most: int64(c.Connections)}
	if l.most <= 0 {
		l.most = int64(defaultConnections())
	}
	f := promauto.With(c.Registerer)
	gauge := func(name, help string, value func() float64) {
		f.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "ticketing", Subsystem: "http", Name: name, Help: help}, value)
	}
	gauge("connections", "Connections of clients that are open.", func() float64 { return float64(l.open.Load()) })
	gauge("connections_limit", "Connections of clients that may be open at a time.", func() float64 { return float64(l.most) })
	l.refused = f.NewCounter(prometheus.CounterOpts{
		Namespace: "ticketing", Subsystem: "http", Name: "connections_refused_total", Help: "Connections that were closed at once because too many were open.",
	})
	return l
}

// Accept implements net.Listener. Only connections by TCP are counted.
func (l *boundedListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err //nolint:wrapcheck // net/http looks at it
		}
		tcp, ok := conn.(*net.TCPConn)
		if !ok {
			return conn, nil
		}
		if l.open.Add(1) <= l.most {
			return &countedConn{TCPConn: tcp, open: &l.open}, nil
		}
		l.open.Add(-1)
		l.refused.Inc()
		_ = conn.Close()
	}
}

// countedConn is a connection that counts until it is closed.
type countedConn struct {
	*net.TCPConn

	open   *atomic.Int64
	closed atomic.Bool
}

// Close implements net.Conn.
func (c *countedConn) Close() error {
	if c.closed.CompareAndSwap(false, true) {
		c.open.Add(-1)
	}
	return c.TCPConn.Close()
}
