package parts

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
	"ticketing/internal/config"
)

func TestProductionWarnsOfWhatItDoesWithout(t *testing.T) {
	t.Parallel()
	for warned, cfg := range map[bool]config.Config{
		true:  {Environment: config.Production},
		false: {Environment: config.Production, Payments: config.Payments{PaymentGateways: []string{"stripe"}}},
	} {
		var log bytes.Buffer
		Env{Config: cfg, Logger: slog.New(slog.NewJSONHandler(&log, nil))}.warnOfSettings()
		require.Equal(t, warned, strings.Contains(log.String(), "PAYMENT_GATEWAYS is empty"))
	}
}

func TestAProxyThatIsNotTrustedIsWarnedOfOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		forwarded string
		trusted   []netip.Prefix
		warnings  int
	}{
		"no proxy":        {"", nil, 0},
		"a trusted proxy": {"203.0.113.7", []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, 0},
		"none is trusted": {"203.0.113.7", nil, 1},
		"another one":     {"203.0.113.7", []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, 1},
	} {
		var log bytes.Buffer
		handler := Env{Logger: slog.New(slog.NewJSONHandler(&log, nil))}.warnOfProxies(http.NotFoundHandler(), c.trusted)
		for range 3 {
			request := httptest.NewRequest(http.MethodGet, "/", nil) // from 192.0.2.1
			request.Header.Set("X-Forwarded-For", c.forwarded)
			handler.ServeHTTP(httptest.NewRecorder(), request)
		}
		require.Equal(t, c.warnings, strings.Count(log.String(), "TRUSTED_PROXIES"), name)
	}
}

// Every response forbids framing and content sniffing, and in production tells browsers to use TLS.
func TestEveryRouteOfTheAPIIsSecured(t *testing.T) {
	t.Parallel()
	fine := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for environment, onlyTLS := range map[string]bool{config.Production: true, config.Development: false} {
		e := Env{Config: config.Config{Environment: environment}, Registry: prometheus.NewRegistry()}
		routes := e.apiRoutes(fine, fine, fine, new(auth.Service).Pages("link"), new(apiBackends))
		for _, path := range []string{
			"/graphql", "/graphiql", "/graphiql/", "/auth/sign-in", "/auth/verify", "/auth/none", "/health", "/health/live", "/metrics", "/", "/none",
		} {
			w := httptest.NewRecorder()
			routes.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
			require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'", path)
			require.Contains(t, w.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'", path)
			require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"), path)
			require.Equal(t, onlyTLS, w.Header().Get("Strict-Transport-Security") != "", "%s in %s", path, environment)
		}
	}
}
