package httpserver_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"ticketing/internal/httpserver"
	"ticketing/internal/testenv"
)

// serveBounded serves with a bound of connections. A request for /keep takes its connection over, as a WebSocket does, until it ends.
func serveBounded(t *testing.T, most int) (address string, metrics prometheus.Gatherer) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/keep", func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
		_, _ = io.Copy(io.Discard, conn)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	registry, ended := prometheus.NewRegistry(), make(chan error, 1)
	go func() {
		ended <- httpserver.Run(ctx, listener, httpserver.Config{
			Handler: mux, Connections: most, Registerer: registry, Logger: slog.New(slog.DiscardHandler), Drain: testenv.Patience,
		})
	}()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	return listener.Addr().String(), registry
}

// connect sends a request over a connection of its own, and returns the response's status, or why there is none.
func connect(t *testing.T, address, path string) (conn net.Conn, status string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return conn, err.Error()
	}
	status, err = bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return conn, err.Error()
	}
	return conn, status
}

func measured(t *testing.T, metrics prometheus.Gatherer, name string) float64 {
	t.Helper()
	families, err := metrics.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == "ticketing_http_"+name {
			m := f.GetMetric()[0]
			return m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	require.Fail(t, "there is no metric "+name)
	return 0
}

func TestMoreConnectionsThanTheBoundAreClosedAtOnce(t *testing.T) {
	t.Parallel()
	address, metrics := serveBounded(t, 2)
	_, status := connect(t, address, "/")
	require.Equal(t, "HTTP/1.1 200 OK\r\n", status)
	require.InDelta(t, 2, measured(t, metrics, "connections_limit"), 0)
	taken, status := connect(t, address, "/keep")
	require.Equal(t, "HTTP/1.1 101 Switching Protocols\r\n", status)
	for range 3 {
		_, status = connect(t, address, "/")
		require.NotContains(t, status, "HTTP")
	}
	require.InDelta(t, 3, measured(t, metrics, "connections_refused_total"), 0)
	require.InDelta(t, 2, measured(t, metrics, "connections"), 0)

	require.NoError(t, taken.Close())
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		open := measured(t, metrics, "connections")
		return open == 1, fmt.Sprintf("%v connections are open", open)
	})
	_, status = connect(t, address, "/")
	require.Equal(t, "HTTP/1.1 200 OK\r\n", status, "there is room again")
}
