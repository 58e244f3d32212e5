package graph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"ticketing/internal/auth"
	"ticketing/internal/testenv"
)

// wire is a graphql-transport-ws client that can send what no library would.
type wire struct {
	t    *testing.T
	ctx  context.Context
	conn *websocket.Conn
}

func (a *api) dial(header ...string) *wire {
	return a.dialAs([]string{"graphql-transport-ws"}, header...)
}

func (a *api) dialAs(subprotocols []string, header ...string) *wire {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), testenv.Patience)
	a.t.Cleanup(cancel)
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	conn, response, err := websocket.Dial(ctx, a.url, &websocket.DialOptions{Subprotocols: subprotocols, HTTPHeader: h})
	require.NoError(a.t, err)
	_ = response
	a.t.Cleanup(func() { _ = conn.CloseNow() })
	return &wire{t: a.t, ctx: ctx, conn: conn}
}

func (w *wire) send(text string) {
	w.t.Helper()
	require.NoError(w.t, w.conn.Write(w.ctx, websocket.MessageText, []byte(text)))
}

func (w *wire) receive() map[string]any {
	w.t.Helper()
	_, data, err := w.conn.Read(w.ctx)
	require.NoError(w.t, err)
	var m map[string]any
	require.NoError(w.t, json.Unmarshal(data, &m))
	return m
}

// closed returns the code that the server closes the connection with.
func (w *wire) closed() websocket.StatusCode {
	w.t.Helper()
	for {
		if _, _, err := w.conn.Read(w.ctx); err != nil {
			require.NoError(w.t, w.ctx.Err())
			return websocket.CloseStatus(err)
		}
	}
}

// init signs in and awaits the acknowledgement.
func (w *wire) init(payload string) *wire {
	w.t.Helper()
	w.send(`{"type":"connection_init","payload":` + payload + `}`)
	require.Equal(w.t, "connection_ack", w.receive()["type"])
	return w
}

func (w *wire) subscribe(operation, query string, variables vars) {
	w.t.Helper()
	payload, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	require.NoError(w.t, err)
	w.send(fmt.Sprintf(`{"id":%q,"type":"subscribe","payload":%s}`, operation, payload))
}

// next awaits a next message of an operation and returns one field of its data.
func (w *wire) next(operation, field string) map[string]any {
	w.t.Helper()
	m := w.receive()
	require.Equal(w.t, "next", m["type"], m)
	require.Equal(w.t, operation, m["id"])
	return m["payload"].(map[string]any)["data"].(map[string]any)[field].(map[string]any)
}

func (a *api) bearer(userID string, roles ...auth.Role) string {
	return `{"authorization":"Bearer ` + a.signIn(userID, roles...) + `"}`
}

// refusedHandshake returns the status with which a WebSocket is refused.
func (a *api) refusedHandshake(header ...string) int {
	a.t.Helper()
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	_, response, err := websocket.Dial(a.t.Context(), a.url, &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: h})
	require.Error(a.t, err)
	require.NotNil(a.t, response, err)
	return response.StatusCode
}

func requireRefused(t *testing.T, m map[string]any, operation, code string) {
	t.Helper()
	require.Equal(t, "error", m["type"], m)
	require.Equal(t, operation, m["id"])
	require.Equal(t, code, m["payload"].([]any)[0].(map[string]any)["extensions"].(map[string]any)["code"], m)
}

// listener is a client of server-sent events.
type listener struct {
	t      *testing.T
	body   io.ReadCloser
	cancel context.CancelFunc
	buffer string
}

type sent struct{ id, name, data string }

func (a *api) listen(query string, variables vars, header ...string) *listener {
	t := a.t
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testenv.Patience)
	t.Cleanup(cancel)
	payload, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	require.NoError(t, err)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url, strings.NewReader(string(payload)))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	got, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, got.StatusCode)
	require.Equal(t, "text/event-stream; charset=utf-8", got.Header.Get("Content-Type"))
	return &listener{t: t, body: got.Body, cancel: cancel}
}

// next returns the next event, without comments.
func (l *listener) next() sent {
	l.t.Helper()
	for {
		event, rest, whole := strings.Cut(l.buffer, "\n\n")
		if !whole {
			part := make([]byte, 4096)
			n, err := l.body.Read(part)
			l.buffer += string(part[:n])
			require.False(l.t, err != nil && n == 0, "the stream ended: %v", err)
			continue
		}
		l.buffer = rest
		if strings.HasPrefix(event, ":") || strings.HasPrefix(event, "retry: ") {
			continue
		}
		var s sent
		for line := range strings.SplitSeq(event, "\n") {
			if id, ok := strings.CutPrefix(line, "id: "); ok {
				s.id = id
			}
			if name, ok := strings.CutPrefix(line, "event: "); ok {
				s.name = name
			}
			if data, ok := strings.CutPrefix(line, "data:"); ok {
				s.data = strings.TrimSpace(data)
			}
		}
		return s
	}
}
