package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHealthcheckFollowsReadiness(t *testing.T) {
	t.Parallel()
	code := http.StatusOK
	mux := http.NewServeMux() // any other path is 404
	mux.HandleFunc("/health/ready", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
	server := httptest.NewServer(mux)
	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	environ := map[string]string{"METRICS_PORT": u.Port()}
	require.Equal(t, 0, checkHealth(t.Context(), environ))
	code = http.StatusServiceUnavailable
	require.Equal(t, 1, checkHealth(t.Context(), environ))
	server.Close()
	require.Equal(t, 1, checkHealth(t.Context(), environ))
}

func TestEverySubcommandHasItsUsageAndVersion(t *testing.T) {
	t.Parallel()
	for name, run := range subcommands() {
		require.Equal(t, 0, run(t.Context(), []string{"--help"}), name)
		require.Equal(t, 0, run(t.Context(), []string{"--version"}), name)
	}
}
