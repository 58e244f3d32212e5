package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// subprotocol is how subscriptions are spoken: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md.
const subprotocol = "graphql-transport-ws"

// message is one message of the protocol, in either direction.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// Follow subscribes and calls each with every state, until ctx ends (nil) or subscribing is hopeless. A connection that breaks is
// made again: since a subscription begins with the state of now, nothing is missed. fresh tells that a state is the first of a
// connection.
func (c *Client) Follow(ctx context.Context, op Operation, each func(state json.RawMessage, fresh bool)) error {
	const most = 20 // in a row: half a minute, about
	for failures := 0; ctx.Err() == nil; failures++ {
		fresh := true
		err := c.subscribe(ctx, op, func(state json.RawMessage) {
			each(state, fresh)
			fresh, failures = false, 0
		})
		if err == nil {
			return nil
		}
		pause, passing := pauseAfter(err, failures)
		if codeOf(err) == "NOT_FOUND" {
			pause, passing = 500*time.Millisecond, true // the read side may be a moment behind the mutation
		}
		if ctx.Err() == nil && (!passing || failures >= most) {
			return err
		}
		_ = sleep(ctx, pause)
	}
	return nil
}

// subscribe follows one subscription over a connection of its own, to the end of one of them or of ctx.
func (c *Client) subscribe(ctx context.Context, op Operation, each func(json.RawMessage)) error {
	conn, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.CloseNow() }()
	payload, err := op.encode()
	if err != nil {
		return err
	}
	if err := wsjson.Write(ctx, conn, message{ID: "1", Type: "subscribe", Payload: payload}); err != nil {
		return broken(err)
	}
	// Reading must outlive ctx for a moment: a context that ends in the middle of a read tears the connection down, and the
	// server deserves a goodbye.
	stop := context.AfterFunc(ctx, func() { goodbye(conn) })
	defer stop()
	for {
		var m message
		if err := wsjson.Read(context.WithoutCancel(ctx), conn, &m); err != nil {
			return broken(err)
		}
		switch m.Type {
		case "next":
			var next response
			var state json.RawMessage
			if err := json.Unmarshal(m.Payload, &next); err != nil {
				return fmt.Errorf("%s: %w", op.Field, err)
			}
			if err := next.field(op.Field, &state); err != nil {
				return err
			}
			each(state)
		case "error":
			var errs []graphQLError
			if err := json.Unmarshal(m.Payload, &errs); err != nil || len(errs) == 0 {
				return fmt.Errorf("%s: an error without a reason: %s", op.Field, m.Payload)
			}
			return errs[0].apiError()
		case "complete":
			return nil
		case "ping":
			if err := wsjson.Write(ctx, conn, message{Type: "pong"}); err != nil {
				return broken(err)
			}
		}
	}
}

// connect opens a connection and says who we are. A browser would be known by its cookie; a client without one sends its
// session's token.
func (c *Client) connect(ctx context.Context) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	hello := message{Type: "connection_init"}
	if c.token != "" {
		payload, err := json.Marshal(map[string]string{"authorization": "Bearer " + c.token})
		if err != nil {
			return nil, fmt.Errorf("connection_init: %w", err)
		}
		hello.Payload = payload
	}
	url := "ws" + strings.TrimPrefix(c.url, "http") // https becomes wss
	//nolint:bodyclose // the library closes it, says its documentation
	conn, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{Subprotocols: []string{subprotocol}})
	if err != nil {
		return nil, broken(err)
	}
	conn.SetReadLimit(1 << 20)
	var answer message
	err = wsjson.Write(ctx, conn, hello)
	if err == nil {
		err = wsjson.Read(ctx, conn, &answer)
	}
	if err == nil && answer.Type != "connection_ack" {
		err = fmt.Errorf("the server answered connection_init with %q", answer.Type)
	}
	if err != nil {
		_ = conn.CloseNow()
		return nil, broken(err)
	}
	return conn, nil
}

// broken says whether a connection is worth making again: the protocol closes with 4400 to 4499 what will be refused again.
func broken(err error) error {
	if code := websocket.CloseStatus(err); code >= 4400 && code < 4500 {
		return fmt.Errorf("refused: %w", err)
	}
	return fmt.Errorf("%w: %w", errNoAnswer, err)
}

func goodbye(conn *websocket.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if wsjson.Write(ctx, conn, message{ID: "1", Type: "complete"}) == nil {
		_ = conn.Close(websocket.StatusNormalClosure, "")
	}
}
