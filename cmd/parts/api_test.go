package parts

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"ticketing/internal/config"
)

func TestProductionWarnsOfWhatItDoesWithout(t *testing.T) {
	t.Parallel()
	for warned, cfg := range map[bool]config.Config{
		true:  {Environment: config.Production},
		false: {Environment: config.Production, TrustedProxies: []string{"10.0.0.0/8"}, Payments: config.Payments{PaymentGateways: []string{"stripe"}}},
	} {
		var log bytes.Buffer
		Env{Config: cfg, Logger: slog.New(slog.NewJSONHandler(&log, nil))}.warnOfSettings()
		require.Equal(t, warned, strings.Contains(log.String(), "PAYMENT_GATEWAYS is empty"))
		require.Equal(t, warned, strings.Contains(log.String(), "TRUSTED_PROXIES is empty"))
	}
}

// Every response forbids framing and content sniffing, and in production tells browsers to use TLS.
func TestEveryRouteOfTheAPIIsSecured(t *testing.T) {
	t.Parallel()
	fine := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for environment, onlyTLS := range map[string]bool{config.Production: true, config.Development: false} {
		e := Env{Config: config.Config{Environment: environment}, Registry: prometheus.NewRegistry()}
		routes := e.apiRoutes(fine, fine, new(apiBackends))
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
