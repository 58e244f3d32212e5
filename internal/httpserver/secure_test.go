package httpserver_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/httpserver"
)

func TestEveryResponseHasTheSecurityHeadersAndPagesSetTheirOwnPolicy(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", "the page's own")
	})
	for _, onlyTLS := range []bool{false, true} {
		handler := httpserver.Secure(mux, onlyTLS)
		for _, request := range []*http.Request{
			httptest.NewRequest(http.MethodGet, "/page", nil),
			httptest.NewRequest(http.MethodPost, "/page", nil),
			httptest.NewRequest(http.MethodGet, "/nothing", nil),
		} {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, request)
			require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
			require.Equal(t, "no-referrer", w.Header().Get("Referrer-Policy"))
			require.Equal(t, "same-origin", w.Header().Get("Cross-Origin-Opener-Policy"))
			require.Equal(t, "same-origin", w.Header().Get("Cross-Origin-Resource-Policy"))
			require.NotEmpty(t, w.Header().Get("Permissions-Policy"))
			require.Equal(t, onlyTLS, w.Header().Get("Strict-Transport-Security") != "")
			if w.Code == http.StatusOK {
				require.Equal(t, "the page's own", w.Header().Get("Content-Security-Policy"))
			} else {
				require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
				require.Contains(t, w.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'")
			}
		}
	}
}
