package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// script is a server that gives one answer after the other, the last one again and again, and keeps what it was asked.
type script struct {
	answers []string
	status  int

	mu    sync.Mutex
	asked []map[string]any
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request map[string]any
	_ = json.NewDecoder(r.Body).Decode(&request)
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := s.answers[min(len(s.asked), len(s.answers)-1)]
	s.asked = append(s.asked, request)
	if answer == "hang up" {
		panic(http.ErrAbortHandler)
	}
	if s.status != 0 {
		w.WriteHeader(s.status)
	}
	fmt.Fprint(w, answer)
}

func serve(t *testing.T, answers ...string) (*script, *Client) {
	t.Helper()
	s := &script{answers: answers}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	client := NewClient(server.URL)
	t.Cleanup(client.http.CloseIdleConnections)
	return s, client
}

const (
	reserved = `{"data":{"reserveSeats":{"reservation":{"id":"rsv_1","version":1,"status":"SEATS_RESERVED"},"userErrors":[]}}}`
	outage   = `{"data":{"reserveSeats":null},"errors":[{"message":"try again","extensions":{"code":"UNAVAILABLE"}}]}`
)

func TestWhatPassesIsAskedAgainWithTheSameKey(t *testing.T) {
	s, client := serve(t, "hang up", outage, reserved)
	reservation, err := client.ReserveSeats(t.Context(), "evt_1", []Item{{Section: floor, Quantity: 2}})
	require.NoError(t, err)
	assert.Equal(t, "rsv_1", reservation.ID)
	require.GreaterOrEqual(t, len(s.asked), 3)
	for _, request := range s.asked[1:] {
		assert.Equal(t, s.asked[0], request)
	}
	assert.NotEmpty(t, s.asked[0]["variables"].(map[string]any)["input"].(map[string]any)["idempotencyKey"])
}

func TestTheGatewaysOutageIsWaitedOutWithTheSameKey(t *testing.T) {
	s, client := serve(t,
		`{"data":{"processPayment":{"payment":null,"reservation":null,"userErrors":[{"code":"GATEWAY_UNAVAILABLE","message":"try again"}]}}}`,
		`{"data":{"processPayment":{"payment":{"id":"pay_1","status":"COMPLETED"},"reservation":{"id":"rsv_1"},"userErrors":[]}}}`)
	paid, err := client.ProcessPayment(t.Context(), "rsv_1", "pm_card_visa")
	require.NoError(t, err)
	assert.Equal(t, "COMPLETED", paid.Payment.Status)
	assert.Equal(t, s.asked[0], s.asked[1])
}

func TestRejectionsAreNotAskedAgain(t *testing.T) {
	s, client := serve(t, `{"data":{"reserveSeats":{"reservation":null,"userErrors":[{"code":"SEAT_UNAVAILABLE","message":"A-1 is taken"}]}}}`)
	_, err := client.ReserveSeats(t.Context(), "evt_1", nil)
	assert.Equal(t, "SEAT_UNAVAILABLE", rejectedAs(err))
	assert.Len(t, s.asked, 1)
}

func TestARateLimitIsWaitedFor(t *testing.T) {
	s, client := serve(t,
		`{"data":{"requestMagicLink":null},"errors":[{"message":"slow down","extensions":{"code":"RATE_LIMITED","retryAfterSeconds":1}}]}`,
		`{"data":{"requestMagicLink":{"token":"link","userErrors":[]}}}`)
	var pauses []time.Duration
	client.waiting = func(_ error, d time.Duration) { pauses = append(pauses, d) }
	token, err := client.RequestMagicLink(t.Context(), "a@example.com")
	require.NoError(t, err)
	assert.Equal(t, "link", token)
	assert.Equal(t, []time.Duration{time.Second}, pauses)
	assert.Len(t, s.asked, 2)
}

func TestALongerWaitThanPatienceIsAnsweredAtOnce(t *testing.T) {
	_, client := serve(t, `{"errors":[{"message":"slow down","extensions":{"code":"RATE_LIMITED","retryAfterSeconds":3600}}]}`)
	_, err := client.RequestMagicLink(t.Context(), "a@example.com")
	assert.Equal(t, "RATE_LIMITED", codeOf(err))
}

func TestOtherServersAreRecognized(t *testing.T) {
	for _, answer := range []string{"<html>hello</html>", "{}", "[]", "null", ""} {
		_, client := serve(t, answer)
		assert.ErrorContains(t, Knock(t.Context(), client), "does not answer as the ticketing API does", answer)
	}
}

func TestAForgottenServerIsToldWithWhatToDo(t *testing.T) {
	client := NewClient("http://127.0.0.1:1/graphql")
	assert.ErrorContains(t, Knock(t.Context(), client), "make run")
}

func TestAServerThatHidesLinksIsToldWithWhatToDo(t *testing.T) {
	_, client := serve(t, `{"data":{"requestMagicLink":{"token":null,"userErrors":[]}}}`)
	_, err := SignInOrganizer(t.Context(), client, "admin@example.com")
	assert.ErrorContains(t, err, "AUTH_EXPOSE_MAGIC_LINKS_FOR_TESTING")
}

func TestCustomersAreNoOrganizers(t *testing.T) {
	_, client := serve(t, `{"data":{"requestMagicLink":{"token":"link","userErrors":[]}}}`,
		`{"data":{"verifyMagicLink":{"sessionToken":"s","user":{"roles":["CUSTOMER"]},"userErrors":[]}}}`)
	_, err := SignInOrganizer(t.Context(), client, "admin@example.com")
	assert.ErrorContains(t, err, "ADMIN_EMAILS=admin@example.com")
}

func TestWhoeverIsInGoesOnWhenTheLimitIsReached(t *testing.T) {
	var mu sync.Mutex
	links := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request struct{ Query string }
		_ = json.NewDecoder(r.Body).Decode(&request)
		mu.Lock()
		defer mu.Unlock()
		if strings.Contains(request.Query, "verifyMagicLink") {
			fmt.Fprint(w, `{"data":{"verifyMagicLink":{"sessionToken":"s","user":{"roles":[]},"userErrors":[]}}}`)
			return
		}
		if links++; links > 5 {
			fmt.Fprint(w, `{"errors":[{"message":"slow down","extensions":{"code":"RATE_LIMITED","retryAfterSeconds":60}}]}`)
			return
		}
		fmt.Fprint(w, `{"data":{"requestMagicLink":{"token":"link","userErrors":[]}}}`)
	}))
	defer server.Close()
	accounts, err := SignInCustomers(t.Context(), NewClient(server.URL), NewBoard(time.Now), 40, 5*time.Second)
	require.NoError(t, err)
	assert.Len(t, accounts, 5)
}

func TestCancellingEndsAWait(t *testing.T) {
	_, client := serve(t, outage)
	ctx, cancel := context.WithCancel(t.Context())
	client.waiting = func(error, time.Duration) { cancel() }
	_, err := client.ReserveSeats(ctx, "evt_1", nil)
	assert.Error(t, err)
}

func TestAllSeatsAreRead(t *testing.T) {
	page := func(labels, more string) string {
		return `{"data":{"event":{"id":"evt_1","sections":[{"name":"Floor","seats":{"nodes":[],"pageInfo":{"hasNextPage":false}}},` +
			`{"name":"Balcony","seats":{"nodes":[` + labels + `],"pageInfo":{` + more + `}}}]}}}`
	}
	s, client := serve(t, page(`{"label":"A-1"},{"label":"A-2"}`, `"hasNextPage":true,"endCursor":"c"`), page(`{"label":"A-3"}`, `"hasNextPage":false`))
	event, err := client.ReadEvent(t.Context(), "evt_1")
	require.NoError(t, err)
	assert.Equal(t, []Seat{{Label: "A-1"}, {Label: "A-2"}, {Label: "A-3"}}, event.Sections[1].Seats.Nodes)
	assert.Equal(t, "c", s.asked[1]["variables"].(map[string]any)["after"])
}
