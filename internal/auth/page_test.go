package auth_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
)

func TestPagesLoadOnlyTheirOwnFiles(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"/auth/sign-in", "/auth/verify"} {
		page := get(t, "GET", address)
		require.Equal(t, http.StatusOK, page.Code, address)
		require.Equal(t, "text/html; charset=utf-8", page.Header().Get("Content-Type"), address)
		require.Equal(t, "no-store", page.Header().Get("Cache-Control"))
		policy := page.Header().Get("Content-Security-Policy")
		for _, rule := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			require.Contains(t, policy, rule)
		}
		require.NotContains(t, policy, "unsafe")
		html := page.Body.String()
		require.False(t, regexp.MustCompile(`(?i)<style|<script[^>]*>[^<]|\son[a-z]+=|\sstyle=|https?://`).MatchString(html), "%s has parts that its policy forbids:\n%s", address, html)
		for _, found := range regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(html, -1) {
			part := get(t, "GET", "/auth/"+found[1])
			require.Equal(t, http.StatusOK, part.Code, found[1])
			require.NotEqual(t, 0, part.Body.Len(), found[1])
		}
	}
}

func TestPagesServeOnlyGet(t *testing.T) {
	t.Parallel()
	require.Equal(t, http.StatusOK, get(t, "HEAD", "/auth/verify").Code)
	require.Equal(t, http.StatusMethodNotAllowed, get(t, "POST", "/auth/verify").Code)
	require.Equal(t, http.StatusNotFound, get(t, "GET", "/auth/other").Code)
}

func get(t *testing.T, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	recorder := httptest.NewRecorder()
	auth.Pages().ServeHTTP(recorder, httptest.NewRequest(method, path, nil))
	return recorder
}
