package auth_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
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
	new(auth.Service).Pages("link").ServeHTTP(recorder, httptest.NewRequest(method, path, nil))
	return recorder
}

// The page names a link's user, and warns if another browser asked for it, without using it up.
func TestThePageNamesTheUserOfALink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	exposing := w.newService(func(cfg *auth.Config) { cfg.ExposeMagicLinks = true })
	token, err := exposing.RequestMagicLink(t.Context(), "Ann@example.com", "nonce")
	require.NoError(t, err)
	describe := func(token, nonce, kind string) (int, string) {
		body, err := json.Marshal(map[string]string{"token": token})
		require.NoError(t, err)
		r := httptest.NewRequest(http.MethodPost, "/auth/link", bytes.NewReader(body))
		r.Header.Set("Content-Type", kind)
		r.AddCookie(&http.Cookie{Name: "link", Value: nonce})
		recorder := httptest.NewRecorder()
		w.Pages("link").ServeHTTP(recorder, r)
		return recorder.Code, strings.TrimSpace(recorder.Body.String())
	}
	for nonce, want := range map[string]string{
		"nonce": `{"email":"ann@example.com","elsewhere":false}`, "another": `{"email":"ann@example.com","elsewhere":true}`,
	} {
		code, body := describe(token, nonce, "application/json")
		require.Equal(t, http.StatusOK, code)
		require.Equal(t, want, body)
	}
	code, body := describe("wrong", "nonce", "application/json")
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, `{"elsewhere":false}`, body)
	code, _ = describe(token, "nonce", "text/plain")
	require.Equal(t, http.StatusBadRequest, code, "another site could send it")
	_, _, err = w.VerifyMagicLink(t.Context(), token, "")
	require.NoError(t, err, "it was only described")
	_, body = describe(token, "nonce", "application/json")
	require.Equal(t, `{"elsewhere":false}`, body)
}
