package graphiql

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"

	"ticketing/graph/limits"
	"ticketing/internal/auth"
)

const cookie = "session"

// rolesByToken is a set of sessions, each with its user's only role.
type rolesByToken map[string]auth.Role

func (sessions rolesByToken) Authenticate(_ context.Context, token string) (auth.Principal, error) {
	role, known := sessions[token]
	switch {
	case token == "outage":
		return auth.Principal{}, errors.New("redis is down")
	case !known:
		return auth.Principal{}, auth.ErrUnauthenticated
	}
	return auth.Principal{UserID: "usr", Roles: []auth.Role{role}}, nil
}

// get sends a request with a session token, "" for none.
func get(t *testing.T, path, token, encoding string) *httptest.ResponseRecorder {
	t.Helper()
	handler, err := Handler(rolesByToken{"carol": auth.RoleCustomer, "olga": auth.RoleOrganizer, "ada": auth.RoleAdmin}, cookie)
	require.NoError(t, err)
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Accept-Encoding", encoding)
	if token != "" {
		r.AddCookie(&http.Cookie{Name: cookie, Value: token})
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w
}

func TestOnlyAdminsSeeThePage(t *testing.T) {
	t.Parallel()
	for token, status := range map[string]int{
		"": http.StatusSeeOther, "ended": http.StatusSeeOther, "carol": http.StatusSeeOther, "olga": http.StatusSeeOther,
		"ada": http.StatusOK, "outage": http.StatusServiceUnavailable,
	} {
		response := get(t, "/graphiql", token, "")
		require.Equal(t, status, response.Code, "as %q", token)
		require.Equal(t, "no-store", response.Header().Get("Cache-Control"), "the response depends on the session")
		require.Equal(t, token == "ada", strings.Contains(response.Body.String(), `id="root"`), "as %q", token)
		if status == http.StatusSeeOther {
			require.Equal(t, "/auth/sign-in", response.Header().Get("Location"))
		}
		require.NotContains(t, response.Body.String(), "redis")
	}
	require.Equal(t, "/graphiql", get(t, "/graphiql/", "", "").Header().Get("Location"))
	require.Equal(t, http.StatusNotFound, get(t, "/graphiql/index.html", "", "").Code)
}

func TestThePageLoadsOnlyEmbeddedFiles(t *testing.T) {
	t.Parallel()
	page := get(t, "/graphiql", "ada", "")
	require.NotContains(t, page.Body.String(), "//", "the page names no other host")
	require.NotRegexp(t, `<style|<script[^>]*>[^<]|\son[a-z]+=|\sstyle=`, page.Body.String(), "the policy forbids inline code")
	parts := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page.Body.String(), -1)
	require.NotEmpty(t, parts)
	for _, part := range parts {
		require.Equal(t, http.StatusOK, get(t, part[1], "", "gzip").Code, part[1])
	}
	policy := page.Header().Get("Content-Security-Policy")
	require.Contains(t, policy, "script-src 'self';")
	require.NotContains(t, policy, "http")
	require.NotContains(t, policy, "unsafe-eval")
}

func TestFilesAreCachedForGood(t *testing.T) {
	t.Parallel()
	for path, contentType := range map[string]string{
		"assets/graphiql-*.js": "text/javascript; charset=utf-8", "assets/graphiql-*.css": "text/css; charset=utf-8",
		"assets/codicon-*.ttf": "font/ttf", "assets/icon-*.svg": "image/svg+xml",
	} {
		found, err := filepath.Glob("dist/" + path + ".gz")
		require.NoError(t, err)
		require.Len(t, found, 1, path)
		response := get(t, "/graphiql/assets/"+strings.TrimSuffix(filepath.Base(found[0]), ".gz"), "", "gzip")
		require.Equal(t, contentType, response.Header().Get("Content-Type"))
		require.Equal(t, "gzip", response.Header().Get("Content-Encoding"))
		require.Equal(t, "public, max-age=31536000, immutable", response.Header().Get("Cache-Control"))
	}
}

func TestExamplesAreValidOperations(t *testing.T) {
	t.Parallel()
	schema := apiSchema(t)
	var examples []example
	require.NoError(t, json.Unmarshal(get(t, "/graphiql/examples.json", "", "").Body.Bytes(), &examples))
	require.NotEmpty(t, examples)
	titles := map[string]bool{}
	for _, e := range examples {
		require.NotEmpty(t, e.Title)
		require.NotEmpty(t, e.Description)
		require.False(t, titles[e.Title], "%s is listed twice", e.Title)
		titles[e.Title] = true
		document, errs := gqlparser.LoadQueryWithRules(schema, e.Query, nil)
		require.Empty(t, errs, e.Title)
		require.Len(t, document.Operations, 1, e.Title)
		require.NotEmpty(t, document.Operations[0].Name, "%s: the name is the tab's title", e.Title)
		variables := map[string]any{}
		if e.Variables != "" {
			require.NoError(t, json.Unmarshal([]byte(e.Variables), &variables), e.Title)
		}
		variables, err := validator.VariableValues(schema, document.Operations[0], variables)
		require.NoError(t, err, e.Title)
		operation := graphql.OperationContext{Operation: document.Operations[0], Variables: variables}
		require.Nil(t, limits.Default().MutateOperationContext(t.Context(), &operation), e.Title)
	}
}

func apiSchema(t *testing.T) *ast.Schema {
	t.Helper()
	files, err := filepath.Glob("../../graph/schema/*.graphqls")
	require.NoError(t, err)
	var sources []*ast.Source
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		sources = append(sources, &ast.Source{Name: file, Input: string(text)})
	}
	schema, err := gqlparser.LoadSchema(sources...)
	require.NoError(t, err)
	return schema
}
