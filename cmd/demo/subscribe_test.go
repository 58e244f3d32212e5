package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// socket serves each connection with the next of the given scripts, after the greeting.
func socket(t *testing.T, scripts ...func(ctx context.Context, conn *websocket.Conn)) *Client {
	t.Helper()
	var connections atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{subprotocol}})
		if err != nil {
			return
		}
		defer conn.CloseNow()
		hello := receive(r.Context(), conn)
		if hello.Type != "connection_init" || string(hello.Payload) != `{"authorization":"Bearer secret"}` {
			_ = conn.Close(4403, "Forbidden")
			return
		}
		send(r.Context(), conn, message{Type: "connection_ack"})
		if subscribe := receive(r.Context(), conn); subscribe.Type != "subscribe" {
			_ = conn.Close(4400, "subscribe expected")
			return
		}
		scripts[min(int(connections.Add(1)), len(scripts))-1](r.Context(), conn)
	}))
	t.Cleanup(server.Close)
	return NewClient(server.URL).As("secret")
}

var counting = Operation{Field: "count", Document: "subscription { count }"}

func receive(ctx context.Context, conn *websocket.Conn) (m message) {
	_ = wsjson.Read(ctx, conn, &m)
	return m
}

func send(ctx context.Context, conn *websocket.Conn, m message) { _ = wsjson.Write(ctx, conn, m) }

func next(value string) message {
	return message{ID: "1", Type: "next", Payload: json.RawMessage(`{"data":{"count":` + value + `}}`)}
}

func TestStatesArriveUntilTheServerCompletes(t *testing.T) {
	client := socket(t, func(ctx context.Context, conn *websocket.Conn) {
		send(ctx, conn, next("1"))
		send(ctx, conn, message{Type: "ping"})
		if receive(ctx, conn).Type == "pong" {
			send(ctx, conn, next("2"))
		}
		send(ctx, conn, message{ID: "1", Type: "complete"})
	})
	var states []string
	err := client.Follow(t.Context(), counting, func(state json.RawMessage, _ bool) { states = append(states, string(state)) })
	require.NoError(t, err)
	assert.Equal(t, []string{"1", "2"}, states)
}

func TestABrokenConnectionIsMadeAgain(t *testing.T) {
	client := socket(t,
		func(ctx context.Context, conn *websocket.Conn) { send(ctx, conn, next("1")) }, // and it is gone
		func(ctx context.Context, conn *websocket.Conn) {
			send(ctx, conn, next("1"))
			send(ctx, conn, next("2"))
			send(ctx, conn, message{ID: "1", Type: "complete"})
		})
	var states []string
	var fresh []bool
	err := client.Follow(t.Context(), counting, func(state json.RawMessage, first bool) {
		states, fresh = append(states, string(state)), append(fresh, first)
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"1", "1", "2"}, states)
	assert.Equal(t, []bool{true, true, false}, fresh)
}

func TestErrorsEndASubscription(t *testing.T) {
	client := socket(t, func(ctx context.Context, conn *websocket.Conn) {
		send(ctx, conn, message{ID: "1", Type: "error", Payload: json.RawMessage(`[{"message":"not yours","extensions":{"code":"FORBIDDEN"}}]`)})
	})
	err := client.Follow(t.Context(), counting, func(json.RawMessage, bool) {})
	assert.Equal(t, "FORBIDDEN", codeOf(err))
}

func TestARowThatIsNotThereYetIsAskedForAgain(t *testing.T) {
	client := socket(t,
		func(ctx context.Context, conn *websocket.Conn) {
			send(ctx, conn, message{ID: "1", Type: "error", Payload: json.RawMessage(`[{"message":"not yet","extensions":{"code":"NOT_FOUND"}}]`)})
		},
		func(ctx context.Context, conn *websocket.Conn) { send(ctx, conn, message{ID: "1", Type: "complete"}) })
	assert.NoError(t, client.Follow(t.Context(), counting, func(json.RawMessage, bool) {}))
}

func TestBeingTurnedAwayIsNotTriedAgain(t *testing.T) {
	client := socket(t).As("somebody else's")
	err := client.Follow(t.Context(), counting, func(json.RawMessage, bool) {})
	assert.ErrorContains(t, err, "refused")
	assert.Equal(t, websocket.StatusCode(4403), websocket.CloseStatus(err))
}

func TestLeavingSaysGoodbye(t *testing.T) {
	said := make(chan string, 1)
	client := socket(t, func(ctx context.Context, conn *websocket.Conn) {
		send(ctx, conn, next("1"))
		said <- receive(ctx, conn).Type
		_, _, _ = conn.Read(ctx) // answers the closing handshake
	})
	ctx, cancel := context.WithCancel(t.Context())
	err := client.Follow(ctx, counting, func(json.RawMessage, bool) { cancel() })
	require.NoError(t, err)
	assert.Equal(t, "complete", <-said)
}
