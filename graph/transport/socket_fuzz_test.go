package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"ticketing/internal/testenv"
)

// newTrickle returns a host whose operations have one response each.
func newTrickle() flood {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: `type Query { a: String } type Subscription { flood: String }`})
	return flood{executor.New(&graphql.ExecutableSchemaMock{
		SchemaFunc: func() *ast.Schema { return schema },
		ExecFunc: func(context.Context) graphql.ResponseHandler {
			return graphql.OneShot(&graphql.Response{Data: []byte(`{"a":"b"}`)})
		},
	})}
}

var (
	closeCodes = []websocket.StatusCode{
		closeBadRequest, closeUnauthorized, closeDuplicate, closeTooMany, websocket.StatusMessageTooBig, websocket.StatusTryAgainLater,
	}
	serverMessages = []string{"connection_ack", "ping", "pong", "next", "error", "complete"}
)

// FuzzSocket checks that a client may send any frames: it gets messages of the protocol, then a close code of the protocol or a pong, and
// leaves nothing behind. Each line of the input is a frame, a binary one if it begins with a zero.
func FuzzSocket(f *testing.F) {
	for _, seed := range []string{
		`{"type":"subscribe","id":"1","payload":{"query":"subscription { flood }"}}`, `{"type":"ping","payload":{"a":1}}`,
		`{"type":"subscribe","id":"1","payload":{"query":"{ a }"}}` + "\n" + `{"type":"complete","id":"1"}`, "\x00binary", `{"type":"pong"}`, "{}{}",
		`{"type":"subscribe","id":"","payload":null}`, `{"type":"connection_init","payload":{"authorization":"Bearer x"}}`, "null", "\xff",
	} {
		f.Add([]byte(seed))
	}
	h, url := serve(f, func(c *Config) { c.Host = newTrickle() })
	f.Fuzz(func(t *testing.T, input []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), testenv.Patience)
		defer cancel()
		conn, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{Subprotocols: []string{subprotocol}})
		require.NoError(t, err)
		go func() { // a client may be closed while it writes
			frames := append(bytes.Split(input, []byte("\n")), []byte(`{"type":"ping","payload":"last"}`))
			for _, frame := range append([][]byte{[]byte(`{"type":"connection_init"}`)}, frames...) {
				kind := websocket.MessageText
				if len(frame) > 0 && frame[0] == 0 {
					kind = websocket.MessageBinary
				}
				if conn.Write(ctx, kind, frame) != nil {
					return
				}
			}
		}()
		requireProtocol(t, ctx, conn)
		_ = conn.CloseNow()
		testenv.Eventually(t, testenv.Patience, func() (bool, string) { return len(h.streams) == 0, "the connection goes on" })
	})
}

// requireProtocol reads messages up to the last pong or the end of the connection.
func requireProtocol(t *testing.T, ctx context.Context, conn *websocket.Conn) {
	t.Helper()
	for {
		_, data, err := conn.Read(ctx)
		if err != nil {
			require.Contains(t, closeCodes, websocket.CloseStatus(err), "%v", err)
			return
		}
		var m message
		require.NoError(t, json.Unmarshal(data, &m), string(data))
		require.True(t, slices.Contains(serverMessages, m.Type), string(data))
		if m.Type == "pong" && string(m.Payload) == `"last"` {
			return
		}
	}
}
