package test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

// What is exported is what OTEL_TRACES_SAMPLER says, and whether a client's traceparent has a say.
func TestTheSamplerOfTheEnvironmentDecides(t *testing.T) {
	t.Parallel()
	traces := startCollector(t)
	env := tracedEnvironment(t, traces.url)
	env["OTEL_EXPORTER_OTLP_HEADERS_FILE"] = filepath.Join(t.TempDir(), "headers")
	require.NoError(t, os.WriteFile(env["OTEL_EXPORTER_OTLP_HEADERS_FILE"], []byte("x-team=box%20office\n"), 0o600))
	p := newPlatformIn(t, env)
	const sampled, unsampled = "01", "00"
	for _, c := range []struct {
		sampler, arg, client string
		exported             bool
	}{
		{"always_off", "", sampled, false},
		{"traceidratio", "0", sampled, false},
		{"traceidratio", "1", unsampled, true},
		{"parentbased_traceidratio", "0", sampled, true},
		{"parentbased_traceidratio", "1", unsampled, false},
	} {
		name := fmt.Sprintf("%s of %q, and the client's flag is %s", c.sampler, c.arg, c.client)
		before := len(traces.all())
		p.env["OTEL_TRACES_SAMPLER"], p.env["OTEL_TRACES_SAMPLER_ARG"] = c.sampler, c.arg
		api := p.startAPI()
		p.sendTraced("00-" + strings.Repeat("a1", 16) + "-" + strings.Repeat("b2", 8) + "-" + c.client)
		if c.exported {
			testenv.Eventually(t, testenv.Patience, func() (bool, string) { return len(traces.all()) > before, name + ": nothing is exported" })
			require.Equal(t, "box office", traces.header("x-team"), "headers are read from a file")
		}
		api.stop() // exports what is left
		require.Equal(t, c.exported, len(traces.all()) > before, name)
	}

	p.env["OTEL_TRACES_SAMPLER"], p.env["OTEL_TRACES_SAMPLER_ARG"] = "sometimes", "2"
	status, output := p.runProgram("api")
	require.NotZero(t, status)
	require.Contains(t, output, `OTEL_TRACES_SAMPLER: "sometimes"`)
	require.Contains(t, output, `OTEL_TRACES_SAMPLER_ARG: "2"`)
}

// sendTraced sends a query of a trace.
func (p *platform) sendTraced(traceparent string) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.url+"/graphql", strings.NewReader(`{"query":"{ events(first: 1) { nodes { id } } }"}`))
	require.NoError(p.t, err)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Traceparent", traceparent)
	response, err := http.DefaultClient.Do(request)
	require.NoError(p.t, err)
	require.NoError(p.t, response.Body.Close())
	require.Equal(p.t, http.StatusOK, response.StatusCode)
}
