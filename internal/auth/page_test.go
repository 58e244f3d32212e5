package auth_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"ticketing/internal/auth"
)

func TestPagesLoadOnlyTheirOwnFiles(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"/auth/sign-in", "/auth/verify"} {
		page := get(t, "GET", address)
		if page.Code != http.StatusOK || page.Header().Get("Content-Type") != "text/html; charset=utf-8" {
			t.Fatalf("%s answers %d, %v", address, page.Code, page.Header())
		}
		if got := page.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("Cache-Control is %q", got)
		}
		policy := page.Header().Get("Content-Security-Policy")
		for _, rule := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, rule) {
				t.Errorf("the policy %q lacks %q", policy, rule)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("the policy is %q", policy)
		}
		html := page.Body.String()
		if regexp.MustCompile(`(?i)<style|<script[^>]*>[^<]|\son[a-z]+=|\sstyle=|https?://`).MatchString(html) {
			t.Errorf("%s has parts that its policy forbids:\n%s", address, html)
		}
		for _, found := range regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(html, -1) {
			if part := get(t, "GET", "/auth/"+found[1]); part.Code != http.StatusOK || part.Body.Len() == 0 {
				t.Errorf("%s answers %d", found[1], part.Code)
			}
		}
	}
}

func TestPagesOnlyAnswerGet(t *testing.T) {
	t.Parallel()
	if got := get(t, "HEAD", "/auth/verify").Code; got != http.StatusOK {
		t.Errorf("HEAD answers %d", got)
	}
	if got := get(t, "POST", "/auth/verify").Code; got != http.StatusMethodNotAllowed {
		t.Errorf("POST answers %d", got)
	}
	if got := get(t, "GET", "/auth/other").Code; got != http.StatusNotFound {
		t.Errorf("another path answers %d", got)
	}
}

func get(t *testing.T, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	recorder := httptest.NewRecorder()
	auth.Pages().ServeHTTP(recorder, httptest.NewRequest(method, path, nil))
	return recorder
}
