package httpserver_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/httpserver"
)

// requestHealth returns what a handler responds.
func requestHealth(t *testing.T, handler http.Handler) (code int, body string) {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/health", nil))
	return w.Code, w.Body.String()
}

func TestOnlyACriticalFailureMakesAProcessUnavailable(t *testing.T) {
	t.Parallel()
	fine := func(context.Context) (any, error) { return 7, nil }
	broken := func(context.Context) (any, error) { return 8, errors.New("secret host is down") }
	for name, tc := range map[string]struct {
		log, lag      func(context.Context) (any, error)
		code          int
		status, shown string
	}{
		"all fine":           {fine, fine, http.StatusOK, `{"status":"ok"`, `"detail":7`},
		"only lagging":       {fine, broken, http.StatusOK, `{"status":"degraded"`, `"detail":8`},
		"critical":           {broken, fine, http.StatusServiceUnavailable, `{"status":"unavailable"`, `"detail":7`},
		"critical and other": {broken, broken, http.StatusServiceUnavailable, `{"status":"unavailable"`, `"detail":8`},
	} {
		health := httpserver.NewHealth()
		health.Add(httpserver.Check{Name: "log", Critical: true, Probe: tc.log}, httpserver.Check{Name: "lag", Probe: tc.lag})
		code, body := requestHealth(t, health.Ready())
		require.Equal(t, tc.code, code, name)
		require.Equal(t, tc.status+"}\n", body, "%s: every client may ask, so nothing else is shown", name)
		code, body = requestHealth(t, health.Detailed())
		require.Equal(t, tc.code, code, name)
		require.Contains(t, body, tc.status, name)
		require.Contains(t, body, tc.shown, name)
		require.Equal(t, tc.code != http.StatusOK || name == "only lagging", strings.Contains(body, "secret host is down"), name)
	}
}

func TestAProcessIsReadyFromItsFirstCheckUntilItStops(t *testing.T) {
	t.Parallel()
	health := httpserver.NewHealth()
	code, body := requestHealth(t, health.Ready())
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Contains(t, body, "starting")
	health.Add(httpserver.Check{Name: "log", Critical: true, Probe: func(context.Context) (any, error) { return nil, nil }}) //nolint:nilnil // nothing to show
	code, _ = requestHealth(t, health.Ready())
	require.Equal(t, http.StatusOK, code)
	health.Stop()
	code, body = requestHealth(t, health.Ready())
	require.Equal(t, http.StatusServiceUnavailable, code)
	require.Contains(t, body, "stopping")
	code, _ = requestHealth(t, httpserver.Live())
	require.Equal(t, http.StatusOK, code)
}

// A probe that ignores its deadline holds no request up for longer than two seconds, is not started again while it hangs, and the
// state says since when.
func TestAProbeThatHangsFails(t *testing.T) {
	t.Parallel()
	var started atomic.Int64
	release := make(chan struct{})
	health := httpserver.NewHealth()
	health.Add(httpserver.Check{Name: "broker", Critical: true, Probe: func(context.Context) (any, error) {
		started.Add(1)
		<-release
		return nil, nil //nolint:nilnil // nothing to show
	}})
	var group sync.WaitGroup
	before := time.Now()
	for range 20 {
		group.Go(func() {
			code, body := requestHealth(t, health.Detailed())
			require.Equal(t, http.StatusServiceUnavailable, code)
			require.Contains(t, body, "no result within 2s")
			require.Contains(t, body, `"since":"20`)
		})
	}
	group.Wait()
	require.Less(t, time.Since(before), 10*time.Second, "all requests share the probe")
	require.EqualValues(t, 1, started.Load())
	close(release)
	require.Eventually(t, func() bool {
		code, _ := requestHealth(t, health.Ready())
		return code == http.StatusOK
	}, 30*time.Second, 50*time.Millisecond)
}

// runServer runs a server until end is called; ended has what Run returned.
func runServer(t *testing.T, c httpserver.Config) (address string, end context.CancelFunc, ended <-chan error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- httpserver.Run(ctx, listener, c) }()
	return listener.Addr().String(), cancel, result
}

func TestRunWaitsForRequestsInProgress(t *testing.T) {
	t.Parallel()
	started, release := make(chan struct{}), make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(started)
		<-release
		_, _ = io.WriteString(w, "done")
	})
	var log bytes.Buffer
	address, end, ended := runServer(t, httpserver.Config{Handler: handler, Drain: 10 * time.Second, Logger: slog.New(slog.NewJSONHandler(&log, nil))})
	body := make(chan string, 1)
	go func() {
		response, err := http.Get("http://" + address)
		if err != nil {
			body <- err.Error()
			return
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		body <- string(text)
	}()
	<-started
	end()
	close(release)
	require.Equal(t, "done", <-body)
	require.NoError(t, <-ended)
	require.Contains(t, log.String(), `"msg":"listening","address":"`+address)
}

// A client that keeps its connection gets every response, and is asked to close it while the server still serves.
func TestAServerThatEndsServesOnAndClosesConnections(t *testing.T) {
	t.Parallel()
	draining := make(chan struct{})
	address, end, ended := runServer(t, httpserver.Config{
		Handler: http.NotFoundHandler(), Delay: time.Second, Drain: 10 * time.Second, OnDrain: func() { close(draining) },
		Logger: slog.New(slog.DiscardHandler),
	})
	client := &http.Client{Transport: &http.Transport{}}
	request := func() *http.Response {
		response, err := client.Get("http://" + address)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return response
	}
	require.False(t, request().Close)
	end()
	require.True(t, request().Close, "on the connection that was kept")
	require.True(t, request().Close, "on a new one")
	select {
	case <-draining:
		require.Fail(t, "drained before the delay was over")
	default:
	}
	require.NoError(t, <-ended)
	<-draining
}

// A client may have opened a connection just before the server stops listening, and send its request after that.
func TestARequestOnAConnectionThatWasAcceptedGetsItsResponse(t *testing.T) {
	t.Parallel()
	draining := make(chan struct{})
	address, end, ended := runServer(t, httpserver.Config{
		Handler: http.NotFoundHandler(), Drain: 10 * time.Second, OnDrain: func() { close(draining) }, Logger: slog.New(slog.DiscardHandler),
	})
	conns := make([]net.Conn, 3) // the last sends nothing, and is given up
	for i := range conns {
		var err error
		conns[i], err = net.Dial("tcp", address)
		require.NoError(t, err)
		defer conns[i].Close()
	}
	response, err := http.Get("http://" + address)
	require.NoError(t, err, "so the connections before it are accepted")
	require.NoError(t, response.Body.Close())
	_, err = io.WriteString(conns[0], "GET / HTTP/1.1\r\n")
	require.NoError(t, err)
	end()
	<-draining
	_, err = net.Dial("tcp", address)
	require.Error(t, err)
	for i, rest := range []string{"Host: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"} {
		_, err = io.WriteString(conns[i], rest)
		require.NoError(t, err)
		response, err := http.ReadResponse(bufio.NewReader(conns[i]), nil)
		require.NoError(t, err, i)
		require.True(t, response.Close)
		require.NoError(t, response.Body.Close())
	}
	require.NoError(t, <-ended)
}

// A client that sends a request and reads nothing is let go.
func TestAResponseThatIsNotReadEnds(t *testing.T) {
	t.Parallel()
	failed := make(chan error, 1)
	endless := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				failed <- err
				return
			}
		}
	})
	server := httptest.NewServer(httpserver.BoundWrites(endless, 100*time.Millisecond))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	select {
	case <-failed:
	case <-time.After(30 * time.Second):
		require.Fail(t, "the response is still being written")
	}
}
