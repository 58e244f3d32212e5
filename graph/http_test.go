package graph_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

func TestPostFollowsGraphQLOverHTTP(t *testing.T) {
	t.Parallel()
	a := newBareAPI(t)
	const asked = `{"query":"{ __typename }"}`
	for name, c := range map[string]struct {
		body, accept string
		status       int
		media        string
		hasData      bool
	}{
		"json":               {asked, "application/json", 200, "application/json; charset=utf-8", true},
		"no Accept":          {asked, "", 200, "application/json; charset=utf-8", true},
		"anything":           {asked, "*/*", 200, "application/json; charset=utf-8", true},
		"graphql":            {asked, "application/graphql-response+json, application/json;q=0.9", 200, "application/graphql-response+json; charset=utf-8", true},
		"preferred json":     {asked, "application/graphql-response+json;q=0.5, application/json", 200, "application/json; charset=utf-8", true},
		"nothing acceptable": {asked, "text/html", 406, "application/json; charset=utf-8", false},
		"parse, json":        {`{"query":"{"}`, "application/json", 200, "application/json; charset=utf-8", false},
		"parse, graphql":     {`{"query":"{"}`, "application/graphql-response+json", 400, "application/graphql-response+json; charset=utf-8", false},
		"validate, json":     {`{"query":"{ nope }"}`, "application/json", 200, "application/json; charset=utf-8", false},
		"validate, graphql":  {`{"query":"{ nope }"}`, "application/graphql-response+json", 400, "application/graphql-response+json; charset=utf-8", false},
		"no JSON":            {`{"query`, "application/json", 400, "application/json; charset=utf-8", false},
		"two values":         {asked + asked, "application/json", 400, "application/json; charset=utf-8", false},
		"array":              {`[` + asked + `]`, "application/json", 400, "application/json; charset=utf-8", false},
		"no query":           {`{}`, "application/json", 400, "application/json; charset=utf-8", false},
		"query is a number":  {`{"query":1}`, "application/json", 400, "application/json; charset=utf-8", false},
		"variables a list":   {`{"query":"{ __typename }","variables":[]}`, "application/json", 400, "application/json; charset=utf-8", false},
		"variables null":     {`{"query":"{ __typename }","variables":null,"operationName":null,"extensions":null}`, "", 200, "application/json; charset=utf-8", true},
		"not UTF-8":          {"{\"query\":\"{ __typename } #\xff\"}", "application/json", 400, "application/json; charset=utf-8", false},
		"subscription":       {`{"query":"subscription { availability(eventId: \"x\") { id } }"}`, "", 400, "application/json; charset=utf-8", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := a.post(c.body, "Accept", c.accept)
			require.Equal(t, c.status, got.status, got.body)
			require.Equal(t, c.media, got.header.Get("Content-Type"))
			require.Equal(t, c.hasData, strings.Contains(got.body, `"data"`), "data is there when it was executed: %s", got.body)
			require.Equal(t, c.hasData, len(got.Errors) == 0, got.body)
			require.NotEmpty(t, got.header.Get("X-Request-ID"))
		})
	}
}

func TestGetOnlyReads(t *testing.T) {
	t.Parallel()
	a := newBareAPI(t)
	get := func(values url.Values) response {
		r, err := http.NewRequest(http.MethodGet, a.url+"?"+values.Encode(), nil)
		require.NoError(t, err)
		return a.send(r)
	}
	require.Equal(t, "Query", get(url.Values{"query": {"query($a: Boolean!) { __typename @include(if: $a) }"}, "variables": {`{"a":true}`}}).Data["__typename"])
	require.Equal(t, http.StatusBadRequest, get(url.Values{"query": {"{ __typename }"}, "variables": {`{"a`}}).status)

	refused := get(url.Values{"query": {"mutation { signOut { userErrors { code } } }"}})
	require.Equal(t, http.StatusMethodNotAllowed, refused.status)
	require.Equal(t, "POST", refused.header.Get("Allow"))
}

func TestOtherSitesCannotForgeRequests(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t, inProduction)
	me := newUser()
	cookie := "__Host-ticketing_session=" + a.signIn(me)
	const who = `{ me { id } }`

	for name, c := range map[string]struct {
		header []string
		known  bool
	}{
		"no page at all":  {nil, true},
		"own page":        {[]string{"Origin", "https://shop.example.com", "Host", "shop.example.com"}, true},
		"base URL":        {[]string{"Origin", "https://tickets.example.com"}, true},
		"base URL, http":  {[]string{"Origin", "http://tickets.example.com"}, false},
		"another page":    {[]string{"Origin", "https://evil.example"}, false},
		"sandboxed page":  {[]string{"Origin", "null"}, false},
		"this machine":    {[]string{"Origin", "http://localhost:5173"}, false},
		"cross-site link": {[]string{"Sec-Fetch-Site", "cross-site"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := a.do(who, nil, append(c.header, "Cookie", cookie)...)
			require.Equal(t, c.known, got.Data["me"] != nil, got.body)
		})
	}

	for _, contentType := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/json; charset=latin1"} {
		got := a.post(`{"query":"{ me { id } }"}`, "Content-Type", contentType, "Cookie", cookie)
		require.Equal(t, http.StatusUnsupportedMediaType, got.status, contentType)
	}

	preflight, err := http.NewRequest(http.MethodOptions, a.url, nil)
	require.NoError(t, err)
	require.Empty(t, a.send(preflight, "Origin", "https://evil.example").header.Get("Access-Control-Allow-Origin"))
	allowed, err := http.NewRequest(http.MethodOptions, a.url, nil)
	require.NoError(t, err)
	require.Equal(t, "https://tickets.example.com", a.send(allowed, "Origin", "https://tickets.example.com").header.Get("Access-Control-Allow-Origin"))
}

func TestABadBearerTokenIsAnError(t *testing.T) {
	t.Parallel()
	a := newReadAPI(t)
	cookie := "__Host-ticketing_session=" + a.signIn(newUser())
	for _, header := range []string{"Bearer wrong", "Bearer ", "Basic YTpi", "wrong"} {
		got := a.do(`{ me { id } }`, nil, "Authorization", header, "Cookie", cookie)
		require.Equal(t, "UNAUTHENTICATED", got.code(), header)
		require.Equal(t, http.StatusOK, got.status)
		got = a.do(`{ me { id } }`, nil, "Authorization", header, "Accept", "application/graphql-response+json")
		require.Equal(t, http.StatusUnauthorized, got.status, header)
	}
	require.Empty(t, a.do(`{ me { id } }`, nil, "Cookie", "__Host-ticketing_session=old").Errors, "otherwise its browser could not sign in again")
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	a := newBareAPI(t)
	got := a.post(`{"query":"{ __typename } #` + strings.Repeat("x", 100<<10) + `"}`)
	require.Equal(t, http.StatusRequestEntityTooLarge, got.status)
}

func TestCorrelationIDs(t *testing.T) {
	t.Parallel()
	a := newBareAPI(t)
	require.Equal(t, "req-1", a.do(`{ __typename }`, nil, "X-Request-ID", "req-1").header.Get("X-Request-ID"))
	for _, strange := range []string{"a b", strings.Repeat("x", 129), `"><script>`} {
		got := a.do(`{ __typename }`, nil, "X-Request-ID", strange).header.Get("X-Request-ID")
		require.NotEqual(t, strange, got)
		require.NotEmpty(t, got)
	}
}

func TestOperationsAreCounted(t *testing.T) {
	t.Parallel()
	a := newBareAPI(t)
	a.do(`{ __typename }`, nil)
	a.do(`{ nope }`, nil)
	a.do(`mutation { publishEvent(input: {eventId: "e"}) { event { id } } }`, nil)
	want := map[string]float64{"query ok": 1, "none GRAPHQL_VALIDATION_FAILED": 1, "mutation UNAUTHENTICATED": 1}
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { // an operation ends after its response
		counted := a.counted()
		return maps.Equal(want, counted), fmt.Sprint(counted)
	})
	require.NotContains(t, a.log.String(), "nope", "what clients write is not logged")
}

// counted returns the counters of operations by type and code.
func (a *api) counted() map[string]float64 {
	a.t.Helper()
	families, err := a.metrics.Gather()
	require.NoError(a.t, err)
	counted := map[string]float64{}
	for _, family := range families {
		if family.GetName() != "ticketing_graphql_operations_total" {
			continue
		}
		for _, m := range family.GetMetric() {
			if m.GetCounter() != nil {
				counted[m.GetLabel()[1].GetValue()+" "+m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	return counted
}

func TestOtherMethodsAreRefused(t *testing.T) {
	t.Parallel()
	a := newBareAPI(t)
	r, err := http.NewRequest(http.MethodPut, a.url, nil)
	require.NoError(t, err)
	got := a.send(r)
	require.Equal(t, http.StatusMethodNotAllowed, got.status)
	require.Equal(t, "GET, POST, OPTIONS", got.header.Get("Allow"))
}

func TestAClientThatHasLeftCausesNoPanic(t *testing.T) {
	t.Parallel()
	a := newBareAPI(t)
	ctx, leave := context.WithCancel(t.Context())
	leave()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", strings.NewReader(`{"query":"{ __typename }"}`))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	a.server.ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code, "%s", w.Body)
	require.NotContains(t, w.Body.String(), "INTERNAL")
}
