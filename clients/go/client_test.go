package ticketing_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	ticketing "ticketing/clients/go"
	"ticketing/clients/go/api"
)

const (
	hangUp = "hang up"
	// tokenPrefix is of responses with a consistency token.
	tokenPrefix = "token "
	counted     = `{"data":{"count":{"total":1,"userErrors":[]}}}`
	outage      = `{"errors":[{"message":"try again","extensions":{"code":"UNAVAILABLE"}}]}`
)

var counting = ticketing.Operation{Name: "count", Document: "mutation { count }"}

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
	for _, name := range []string{"Authorization", "Idempotency-Key", "Consistency-Token"} {
		request[name] = r.Header.Get(name)
	}
	response := s.responses[min(len(s.requests), len(s.responses)-1)]
	s.requests = append(s.requests, request)
	if response == hangUp {
		panic(http.ErrAbortHandler)
	}
	if token, given := strings.CutPrefix(response, tokenPrefix); given {
		w.Header().Set("Consistency-Token", token)
		response = counted
	}
	fmt.Fprint(w, response)
}

func startServer(t *testing.T, config ticketing.Config, responses ...string) (*server, *ticketing.Client) {
	t.Helper()
	s := &server{responses: responses}
	listening := httptest.NewServer(s)
	t.Cleanup(listening.Close)
	config.URL = listening.URL
	return s, ticketing.New(config).WithToken("secret")
}

type count struct{ Count struct{ Total int } }

func TestPassingFailuresAreRetriedWithTheSameVariables(t *testing.T) {
	s, client := startServer(t, ticketing.Config{Patience: time.Minute}, hangUp, outage, counted)
	var found count
	require.NoError(t, client.Execute(t.Context(), counting, &found))
	require.Equal(t, 1, found.Count.Total)
	require.Len(t, s.requests, 3)
	require.Equal(t, s.requests[0], s.requests[2])
	require.NotEmpty(t, s.requests[0]["Idempotency-Key"])
	require.NoError(t, client.Execute(t.Context(), counting, nil))
	require.NotEqual(t, s.requests[2]["Idempotency-Key"], s.requests[3]["Idempotency-Key"], "another mutation is not a retry")
	require.Equal(t, "Bearer secret", s.requests[0]["Authorization"])
}

func TestAKeyOfTheCallerStays(t *testing.T) {
	s, client := startServer(t, ticketing.Config{}, counted)
	for _, op := range []ticketing.Operation{
		{Document: "mutation($input: I!) { count(input: $input) }", Variables: map[string]any{"input": map[string]any{"idempotencyKey": "k"}}},
		{Document: "mutation($k: String) { count(input: {idempotencyKey: $k}) }", Variables: map[string]any{"k": "k"}},
		{Document: "query { count }"},
	} {
		require.NoError(t, client.Execute(t.Context(), op, nil))
	}
	for _, request := range s.requests {
		require.Empty(t, request["Idempotency-Key"], "%v", request)
	}
}

func TestTheNewestConsistencyTokenIsSent(t *testing.T) {
	s, client := startServer(t, ticketing.Config{},
		tokenPrefix+"a.5", tokenPrefix+"a.12", tokenPrefix+"a.7", counted, tokenPrefix+"b.1", counted)
	for range 6 {
		require.NoError(t, client.Execute(t.Context(), counting, nil))
	}
	var sent []any
	for _, request := range s.requests {
		sent = append(sent, request["Consistency-Token"])
	}
	require.Equal(t, []any{"", "a.5", "a.12", "a.12", "a.12", "b.1"}, sent)
	require.NoError(t, client.WithToken("other").Execute(t.Context(), counting, nil))
	require.Equal(t, "b.1", s.requests[6]["Consistency-Token"], "another session of the program sees it, too")
}

func TestTypedOperationsSendOnlyWhatWasGiven(t *testing.T) {
	s, client := startServer(t, ticketing.Config{}, `{"data":{"reserveSeats":{"reservation":{"id":"rsv_1","seats":[{"section":"A"}]},"userErrors":[]}}}`)
	reserved, err := api.ReserveSeats(t.Context(), client, api.ReserveSeatsInput{EventId: "evt_1", Items: []api.ReserveItemInput{{Section: "A", Quantity: new(2)}}})
	require.NoError(t, err)
	require.Equal(t, "rsv_1", reserved.ReserveSeats.Reservation.Id)
	require.Nil(t, reserved.ReserveSeats.Reservation.Seats[0].Label)
	items := []any{map[string]any{"section": "A", "quantity": 2.0}}
	require.Equal(t, map[string]any{"input": map[string]any{"eventId": "evt_1", "items": items}}, s.requests[0]["variables"])
}

func TestAProxysErrorIsRetried(t *testing.T) {
	requests := 0
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if requests++; requests == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprint(w, "<html>no upstream</html>")
			return
		}
		fmt.Fprint(w, counted)
	}))
	t.Cleanup(proxy.Close)
	require.NoError(t, ticketing.New(ticketing.Config{URL: proxy.URL}).Execute(t.Context(), counting, nil))
	require.Equal(t, 2, requests)
}

func TestRejectionsAreNotRetried(t *testing.T) {
	s, client := startServer(t, ticketing.Config{Patience: time.Minute},
		`{"data":{"count":{"total":7,"userErrors":[{"code":"SEAT_UNAVAILABLE","message":"A-1 is taken","field":["items","0"]}]}}}`)
	var found count
	err := client.Execute(t.Context(), counting, &found)
	require.Equal(t, ticketing.UserErrors{{Code: "SEAT_UNAVAILABLE", Message: "A-1 is taken", Field: []string{"items", "0"}}}, err)
	require.Equal(t, "SEAT_UNAVAILABLE", ticketing.CodeOf(err))
	require.Equal(t, 7, found.Count.Total, "a payload may have data beside its errors")
	require.Len(t, s.requests, 1)
}

func TestAWaitLongerThanPatienceFailsAtOnce(t *testing.T) {
	_, client := startServer(t, ticketing.Config{Patience: time.Minute},
		`{"errors":[{"message":"slow down","extensions":{"code":"RATE_LIMITED","retryAfterSeconds":3600}}]}`)
	require.Equal(t, "RATE_LIMITED", ticketing.CodeOf(client.Execute(t.Context(), counting, nil)))
}

func TestOtherServersAreRecognized(t *testing.T) {
	for _, response := range []string{"<html>hello</html>", "{}", "[]", "null", ""} {
		_, client := startServer(t, ticketing.Config{}, response)
		require.ErrorContains(t, client.Execute(t.Context(), counting, nil), "not a GraphQL response", response)
	}
}

func TestAContextEndsRetries(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, client := startServer(t, ticketing.Config{Patience: time.Hour, Observe: func(string, time.Duration) { cancel() }}, outage)
	require.Equal(t, "UNAVAILABLE", ticketing.CodeOf(client.Execute(ctx, counting, nil)))
}

func nextEvent(n int) string { return fmt.Sprintf("event: next\ndata: {\"data\":{\"n\":%d}}\n\n", n) }

const (
	complete = "event: complete\ndata: \n\n"
	leaving  = "retry: 500\n\n" + complete // of a process that ends
)

func TestABrokenStreamIsOpenedAgain(t *testing.T) {
	_, client := startServer(t, ticketing.Config{}, ":\n\n"+nextEvent(1), hangUp, nextEvent(1)+leaving, nextEvent(2)+complete)
	var states []string
	require.NoError(t, client.Subscribe(t.Context(), counting, func(data json.RawMessage) error {
		states = append(states, string(data))
		return nil
	}))
	require.Equal(t, []string{`{"n":1}`, `{"n":1}`, `{"n":2}`}, states)
}

func TestWatchedSeatsGoOnWithWhatChangedMeanwhile(t *testing.T) {
	seats := func(version int) string {
		return fmt.Sprintf("event: next\ndata: {\"data\":{\"seatChanges\":{\"version\":%d,\"changes\":[],\"reload\":[]}}}\n\n", version)
	}
	s, client := startServer(t, ticketing.Config{}, seats(3)+seats(7), seats(9)+complete)
	require.NoError(t, client.WatchSeats(t.Context(), "evt_1", func(api.WatchSeatsSeatChanges) error { return nil }))
	require.Equal(t, map[string]any{"eventId": "evt_1"}, s.requests[0]["variables"])
	require.Equal(t, map[string]any{"eventId": "evt_1", "sinceVersion": 7.0}, s.requests[1]["variables"])
}

func TestAnErrorOfTheCallerEndsAStream(t *testing.T) {
	_, client := startServer(t, ticketing.Config{}, nextEvent(1)+nextEvent(2)+complete)
	enough := errors.New("enough")
	states := 0
	require.ErrorIs(t, client.Subscribe(t.Context(), counting, func(json.RawMessage) error { states++; return enough }), enough)
	require.Equal(t, 1, states)
}

func TestARefusalEndsAStream(t *testing.T) {
	_, client := startServer(t, ticketing.Config{},
		"event: next\ndata: {\"errors\":[{\"message\":\"not yours\",\"extensions\":{\"code\":\"FORBIDDEN\"}}]}\n\n"+complete)
	err := client.Subscribe(t.Context(), counting, func(json.RawMessage) error { return nil })
	require.Equal(t, "FORBIDDEN", ticketing.CodeOf(err))
}

func TestSigningInReturnsAClientOfTheSession(t *testing.T) {
	s, client := startServer(t, ticketing.Config{},
		`{"data":{"requestMagicLink":{"token":"link","userErrors":[]}}}`,
		`{"data":{"verifyMagicLink":{"sessionToken":"new","user":{"id":"usr_1","roles":["ADMIN"]},"userErrors":[]}}}`, counted)
	signedIn, user, err := client.SignIn(t.Context(), "ann@example.com")
	require.NoError(t, err)
	require.Equal(t, api.User{Id: "usr_1", Roles: []api.Role{api.RoleAdmin}}, user)
	require.NoError(t, signedIn.Execute(t.Context(), counting, nil))
	require.Equal(t, "Bearer new", s.requests[2]["Authorization"])
}

func TestASignOutMayBeRepeated(t *testing.T) {
	_, client := startServer(t, ticketing.Config{}, hangUp, `{"errors":[{"message":"sign in first","extensions":{"code":"UNAUTHENTICATED"}}]}`)
	require.NoError(t, client.SignOut(t.Context()))
}

func TestSigningInNeedsAServerThatReturnsLinks(t *testing.T) {
	_, client := startServer(t, ticketing.Config{}, `{"data":{"requestMagicLink":{"token":null,"userErrors":[]}}}`)
	_, _, err := client.SignIn(t.Context(), "ann@example.com")
	require.ErrorIs(t, err, ticketing.ErrLinkNotExposed)
}
