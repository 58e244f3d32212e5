package apiclient_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/apiclient"
)

const (
	hangUp  = "hang up"
	counted = `{"data":{"count":{"total":1,"userErrors":[]}}}`
	outage  = `{"errors":[{"message":"try again","extensions":{"code":"UNAVAILABLE"}}]}`
)

var counting = apiclient.Operation{Name: "count", Document: "mutation { count }", Variables: map[string]any{"idempotencyKey": "k"}}

// server sends one response after the other, the last one again and again, and keeps the requests.
type server struct {
	mu        sync.Mutex
	responses []string
	requests  []map[string]any
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var request map[string]any
	_ = json.NewDecoder(r.Body).Decode(&request)
	request["authorization"] = r.Header.Get("Authorization")
	response := s.responses[min(len(s.requests), len(s.responses)-1)]
	s.requests = append(s.requests, request)
	if response == hangUp {
		panic(http.ErrAbortHandler)
	}
	fmt.Fprint(w, response)
}

func startServer(t *testing.T, config apiclient.Config, responses ...string) (*server, *apiclient.Client) {
	t.Helper()
	s := &server{responses: responses}
	listening := httptest.NewServer(s)
	t.Cleanup(listening.Close)
	config.URL = listening.URL
	return s, apiclient.New(config).WithToken("secret")
}

type count struct{ Count struct{ Total int } }

func TestPassingFailuresAreRetriedWithTheSameVariables(t *testing.T) {
	s, client := startServer(t, apiclient.Config{Patience: time.Minute}, hangUp, outage, counted)
	var found count
	require.NoError(t, client.Execute(t.Context(), counting, &found))
	require.Equal(t, 1, found.Count.Total)
	require.Len(t, s.requests, 3)
	require.Equal(t, s.requests[0], s.requests[2])
	require.Equal(t, "Bearer secret", s.requests[0]["authorization"])
}

func TestRejectionsAreNotRetried(t *testing.T) {
	s, client := startServer(t, apiclient.Config{Patience: time.Minute},
		`{"data":{"count":{"total":7,"userErrors":[{"code":"SEAT_UNAVAILABLE","message":"A-1 is taken"}]}}}`)
	var found count
	err := client.Execute(t.Context(), counting, &found)
	require.Equal(t, "SEAT_UNAVAILABLE", apiclient.CodeOf(err))
	require.Equal(t, 7, found.Count.Total, "a payload may have data beside its errors")
	require.Len(t, s.requests, 1)
}

func TestAWaitLongerThanPatienceFailsAtOnce(t *testing.T) {
	_, client := startServer(t, apiclient.Config{Patience: time.Minute},
		`{"errors":[{"message":"slow down","extensions":{"code":"RATE_LIMITED","retryAfterSeconds":3600}}]}`)
	require.Equal(t, "RATE_LIMITED", apiclient.CodeOf(client.Execute(t.Context(), counting, nil)))
}

func TestOtherServersAreRecognized(t *testing.T) {
	for _, response := range []string{"<html>hello</html>", "{}", "[]", "null", ""} {
		_, client := startServer(t, apiclient.Config{}, response)
		require.ErrorContains(t, client.Execute(t.Context(), counting, nil), "not a GraphQL response", response)
	}
}

func TestAContextEndsRetries(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, client := startServer(t, apiclient.Config{Patience: time.Hour, Observe: func(string, time.Duration) { cancel() }}, outage)
	require.Equal(t, "UNAVAILABLE", apiclient.CodeOf(client.Execute(ctx, counting, nil)))
}

func nextEvent(n int) string { return fmt.Sprintf("event: next\ndata: {\"data\":{\"n\":%d}}\n\n", n) }

const complete = "event: complete\ndata: \n\n"

func TestABrokenStreamIsOpenedAgain(t *testing.T) {
	_, client := startServer(t, apiclient.Config{}, ":\n\n"+nextEvent(1), hangUp, nextEvent(1)+nextEvent(2)+complete)
	var states []string
	require.NoError(t, client.Subscribe(t.Context(), counting, func(data json.RawMessage) { states = append(states, string(data)) }))
	require.Equal(t, []string{`{"n":1}`, `{"n":1}`, `{"n":2}`}, states)
}

func TestARefusalEndsAStream(t *testing.T) {
	_, client := startServer(t, apiclient.Config{},
		"event: next\ndata: {\"errors\":[{\"message\":\"not yours\",\"extensions\":{\"code\":\"FORBIDDEN\"}}]}\n\n"+complete)
	err := client.Subscribe(t.Context(), counting, func(json.RawMessage) {})
	require.Equal(t, "FORBIDDEN", apiclient.CodeOf(err))
}

func TestSigningInReturnsAClientOfTheSession(t *testing.T) {
	s, client := startServer(t, apiclient.Config{},
		`{"data":{"requestMagicLink":{"token":"link","userErrors":[]}}}`,
		`{"data":{"verifyMagicLink":{"sessionToken":"new","user":{"id":"usr_1","roles":["ADMIN"]},"userErrors":[]}}}`, counted)
	signedIn, user, err := client.SignIn(t.Context(), "ann@example.com")
	require.NoError(t, err)
	require.Equal(t, apiclient.User{ID: "usr_1", Roles: []string{"ADMIN"}}, user)
	require.NoError(t, signedIn.Execute(t.Context(), counting, nil))
	require.Equal(t, "Bearer new", s.requests[2]["authorization"])
}

func TestSigningInNeedsAServerThatReturnsLinks(t *testing.T) {
	_, client := startServer(t, apiclient.Config{}, `{"data":{"requestMagicLink":{"token":null,"userErrors":[]}}}`)
	_, _, err := client.SignIn(t.Context(), "ann@example.com")
	require.ErrorIs(t, err, apiclient.ErrLinkNotExposed)
}
