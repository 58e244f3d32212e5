package httpserver_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/httpserver"
)

func TestOnlyACriticalFailureMakesAProcessUnavailable(t *testing.T) {
	t.Parallel()
	fine := func(context.Context) (any, error) { return 7, nil }
	broken := func(context.Context) (any, error) { return 8, errors.New("secret host is down") }
	for name, tc := range map[string]struct {
		redis, lag    func(context.Context) (any, error)
		code          int
		status, shown string
	}{
		"all fine":           {fine, fine, http.StatusOK, `"status":"ok"`, `"detail":7`},
		"only lagging":       {fine, broken, http.StatusOK, `"status":"degraded"`, `"detail":8`},
		"critical":           {broken, fine, http.StatusServiceUnavailable, `"status":"unavailable"`, `"detail":7`},
		"critical and other": {broken, broken, http.StatusServiceUnavailable, `"status":"unavailable"`, `"detail":8`},
	} {
		checks := []httpserver.Check{{Name: "redis", Critical: true, Probe: tc.redis}, {Name: "lag", Probe: tc.lag}}
		w := httptest.NewRecorder()
		httpserver.Ready(checks, false).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/health/ready", nil))
		require.Equal(t, tc.code, w.Code, name)
		require.Contains(t, w.Body.String(), tc.status, name)
		require.Contains(t, w.Body.String(), tc.shown, name)
		require.NotContains(t, w.Body.String(), "secret", name)
	}
}

func TestRunWaitsForRequestsInProgress(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	started, release := make(chan struct{}), make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(started)
		<-release
		_, _ = io.WriteString(w, "done")
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- httpserver.Run(ctx, listener, handler, 10*time.Second, slog.New(slog.DiscardHandler)) }()
	body := make(chan string, 1)
	go func() {
		response, err := http.Get("http://" + listener.Addr().String())
		if err != nil {
			body <- err.Error()
			return
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		body <- string(text)
	}()
	<-started
	cancel()
	close(release)
	require.Equal(t, "done", <-body)
	require.NoError(t, <-ended)
}
