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

func TestStreamsTakeAPartOfTheMemory(t *testing.T) {
	t.Parallel()
	const mib, gib = 1 << 20, 1 << 30
	for _, c := range []struct {
		configured      int
		available, want int64
	}{
		{0, 512 * mib, 64 * mib}, {0, 1 * gib, 128 * mib}, {0, 64 * gib, 512 * mib}, {0, 0, 32 * mib}, {700, gib, 700 * mib},
	} {
		require.EqualValues(t, c.want, streamCache(c.configured, c.available))
	}
}
