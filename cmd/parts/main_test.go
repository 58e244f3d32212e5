package parts

import (
	"context"
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAProfileInProgressDoesNotFailTheEnd(t *testing.T) {
	t.Parallel()
	listener, err := Listen(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	ctx, end := context.WithCancel(t.Context())
	defer end()
	released := make(chan struct{})
	defer close(released)
	profile := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		end()
		<-released
	})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String()+"/debug/pprof/profile", http.NoBody)
	require.NoError(t, err)
	go func() {
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
		}
	}()
	require.NoError(t, Env{Logger: slog.New(slog.DiscardHandler)}.serveOperators(ctx, listener, profile))
}
