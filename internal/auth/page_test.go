package auth_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"ticketing/internal/auth"
)

func TestPageLoadsOnlyItsOwnFiles(t *testing.T) {
	t.Parallel()
	page := get(t, "GET", "/auth/verify")
	if page.Code != http.StatusOK || page.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("it answers %d, %v", page.Code, page.Header())
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
	} {
		if got := page.Header().Get(name); got != want {
			t.Errorf("%s is %q", name, got)
		}
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
		t.Errorf("the page has parts that its policy forbids:\n%s", html)
	}
	for _, found := range regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(html, -1) {
		if part := get(t, "GET", "/auth/"+found[1]); part.Code != http.StatusOK || part.Body.Len() == 0 {
			t.Errorf("%s answers %d", found[1], part.Code)
		}
	}
}

func TestPageOnlyAnswersGet(t *testing.T) {
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
	auth.Page().ServeHTTP(recorder, httptest.NewRequest(method, path, nil))
	return recorder
}
