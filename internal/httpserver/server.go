// Package httpserver runs HTTP servers that drain before they end, and reports whether a process is alive and ready.
package httpserver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config is what a server serves, and how it ends.
type Config struct {
	Handler http.Handler // Required.
	// Delay is how long the server serves on after it was asked to end: load balancers need a moment to notice that the process is unready.
	// Meanwhile every response closes its connection, so that none is in use at the end. Default: 0.
	Delay time.Duration
	// Drain is how long requests in progress may take after that. Default: 0, they are cut off.
	Drain time.Duration
	// OnDrain is called when the delay is over. Default: nothing is called.
	OnDrain func()
	// Connections bounds those that are open at a time, WebSockets too; more are closed at once. Default: mostConnections, or three quarters of
	// the files that the process may open, if that is less.
	Connections int
	Logger      *slog.Logger          // Default: slog.Default().
	Registerer  prometheus.Registerer // Default: metrics are not registered.
}

const (
	headerTimeout  = 5 * time.Second  // of a request; a new connection has as long for its first one
	requestTimeout = 30 * time.Second // for all of a request to arrive
	idleTimeout    = 2 * time.Minute  // longer than load balancers keep connections, so that they never use one that is just being closed
	longestHeader  = 32 << 10         // bytes: cookies and traces are a few thousand
)

// Run serves until ctx ends, for the delay after that, and until the requests in progress have ended. Every request on a connection that was
// accepted gets its response, unless the connection was idle throughout the delay. Handlers must end long-lived streams themselves (see OnDrain), and
// bound the time of writing a response.
func Run(ctx context.Context, listener net.Listener, c Config) error {
	c.Logger = cmp.Or(c.Logger, slog.Default())
	busy := &busyConnections{conns: map[net.Conn]struct{}{}}
	server := &http.Server{
		Handler: closeConnections(ctx, c.Handler), ReadHeaderTimeout: headerTimeout, ReadTimeout: requestTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: longestHeader, ErrorLog: slog.NewLogLogger(c.Logger.Handler(), slog.LevelWarn), ConnState: busy.note,
	}
	listener = boundConnections(listener, c)
	c.Logger.Info("listening", "address", listener.Addr().String())
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	ending := make(chan struct{})
	defer context.AfterFunc(ctx, func() {
		time.Sleep(c.Delay)
		close(ending)
	})()
	select {
	case err := <-served:
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	case <-ending:
	}
	_ = listener.Close()
	if err := <-served; !errors.Is(err, net.ErrClosed) { // what was accepted is known now
		c.Logger.Warn("accepting connections failed", "error", err)
	}
	if err := drain(ctx, server, busy, c); err != nil {
		return fmt.Errorf("drain %s: %w", listener.Addr(), err)
	}
	return nil
}

// drain ends a server that accepts no more connections. Shutdown comes last, because from then on net/http closes connections whose request it
// has not read to the end without a response.
func drain(ctx context.Context, server *http.Server, busy *busyConnections, c Config) error {
	if c.OnDrain != nil {
		c.OnDrain()
	}
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.Drain)
	defer cancel()
	busy.awaitNone(draining)
	return server.Shutdown(draining) //nolint:wrapcheck // Run does
}

// closeConnections has each response close its connection once ctx has ended.
func closeConnections(ctx context.Context, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ctx.Err() != nil {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// BoundWrites gives every response of next a time to be written in: a client that stops reading would keep its connection for ever.
func BoundWrites(next http.Handler, limit time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(limit)) // a recorder in a test has none
		next.ServeHTTP(w, r)
	})
}
