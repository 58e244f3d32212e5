package transport

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"ticketing/internal/testenv"
)

// flood is a host whose only subscription sends large states without end.
type flood struct{ exec *executor.Executor }

func newFlood() flood {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: `type Query { a: String } type Subscription { flood: String }`})
	state := []byte(`{"flood":"` + string(bytes.Repeat([]byte("x"), 1<<20)) + `"}`)
	return flood{executor.New(&graphql.ExecutableSchemaMock{
		SchemaFunc: func() *ast.Schema { return schema },
		ExecFunc: func(context.Context) graphql.ResponseHandler {
			return func(ctx context.Context) *graphql.Response {
				if ctx.Err() != nil {
					return nil
				}
				return &graphql.Response{Data: state}
			}
		},
	})}
}

func (f flood) Executor(context.Context) graphql.GraphExecutor { return f.exec }

func (f flood) SignIn(ctx context.Context, _ Credentials) (context.Context, error) { return ctx, nil }

func (f flood) SignedIn(context.Context) bool { return false }
func (f flood) Proven(context.Context) bool   { return false }

func (f flood) OnSessionChange(context.Context, func()) {}

func (f flood) SessionOver(context.Context) bool { return false }

func (f flood) Document(_ context.Context, _, text string) (string, error) { return text, nil }

func (f flood) Share(context.Context, *graphql.OperationContext) (*Shared, error) { return nil, nil } //nolint:nilnil // nothing is shared

func (f flood) ChargeShared(context.Context, int, int) time.Duration { return 0 }

func (flood) OpenFromAddress(context.Context) (func(), error) { return func() {}, nil }

func (flood) OpenForUser(context.Context) (func(), error) { return func() {}, nil }

func (f flood) AllowMessage(context.Context) error { return nil }

func serve(t testing.TB, change func(*Config)) (*Handler, string) {
	t.Helper()
	cfg := Config{Host: newFlood(), Logger: slog.New(slog.DiscardHandler)}
	change(&cfg)
	h := New(cfg)
	web := httptest.NewServer(h)
	t.Cleanup(web.Close)
	return h, web.URL
}

// waitForNoStreams waits until all streams have ended.
func waitForNoStreams(t testing.TB, h *Handler) {
	t.Helper()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		return len(h.streams) == 0, fmt.Sprintf("%d streams", len(h.streams))
	})
}

func TestAStalledSocketIsClosed(t *testing.T) {
	t.Parallel()
	h, url := serve(t, func(c *Config) { c.WriteTimeout = 200 * time.Millisecond })
	conn, _, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{Subprotocols: []string{subprotocol}})
	require.NoError(t, err)
	defer conn.CloseNow()
	for _, m := range []string{`{"type":"connection_init"}`, `{"id":"1","type":"subscribe","payload":{"query":"subscription { flood }"}}`} {
		require.NoError(t, conn.Write(t.Context(), websocket.MessageText, []byte(m)))
	}
	waitForNoStreams(t, h) // although the client does not read
}

func TestAStalledEventStreamIsClosed(t *testing.T) {
	t.Parallel()
	h, url := serve(t, func(c *Config) { c.WriteTimeout = 200 * time.Millisecond })
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", url[len("http://"):])
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET /?query=subscription+%7B+flood+%7D HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n")
	require.NoError(t, err)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return len(h.streams) == 1, "not started" })
	waitForNoStreams(t, h)
}

func TestASocketWithoutPongsIsClosed(t *testing.T) {
	t.Parallel()
	h, url := serve(t, func(c *Config) { c.KeepAlive, c.WriteTimeout = 50*time.Millisecond, 200*time.Millisecond })
	conn, _, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{Subprotocols: []string{subprotocol}})
	require.NoError(t, err)
	defer conn.CloseNow()
	require.NoError(t, conn.Write(t.Context(), websocket.MessageText, []byte(`{"type":"connection_init"}`)))
	waitForNoStreams(t, h) // the client does not read, and so sends no pong
}

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	h, url := serve(t, func(c *Config) { c.MaxSockets = 1 })
	first, _, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{Subprotocols: []string{subprotocol}})
	require.NoError(t, err)
	_, response, err := websocket.Dial(t.Context(), url, nil)
	require.Error(t, err)
	require.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
	_ = first.CloseNow()
	waitForNoStreams(t, h)
}

func TestTheMediaTypeIsNegotiated(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]string{
		"": mediaJSON, "*/*": mediaJSON, "application/*": mediaJSON, "text/html": "", "text/html, */*;q=0.1": mediaJSON,
		"application/json;q=0, application/graphql-response+json": mediaGraphQL, "text/event-stream": mediaEvents,
		"application/graphql-response+json; charset=utf-8, application/json; charset=utf-8": mediaGraphQL,
		"application/json;q=0": "", "APPLICATION/JSON": mediaJSON, ";;;,,": "",
	} {
		require.Equal(t, want, negotiateMedia(accept), accept)
	}
}

// FuzzParams checks that any bytes are either a request or an error, and never a panic.
func FuzzParams(f *testing.F) {
	for _, seed := range []string{`{"query":"{ a }"}`, `{"query":1}`, `[]`, `{"query":"{ a }","variables":{"a":[1.5,null]}}`, "\xff", `{"query":"{a}"}{`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		params, wrong := decodeParams(body)
		if (params == nil) == (wrong == nil) {
			t.Fatal("either a request or an error")
		}
		if params != nil && params.Query == "" && params.documentID == "" && params.Extensions["persistedQuery"] == nil {
			t.Fatal("a request without a query")
		}
	})
}

func TestTrailingJSONIsRefused(t *testing.T) {
	t.Parallel()
	_, wrong := decodeParams([]byte(`{"query":"{ a }"} {}`))
	require.NotNil(t, wrong)
	_, wrong = decodeParams([]byte(` {"query":"{ a }"} `))
	require.Nil(t, wrong)
	s := &socket{}
	require.Equal(t, error(errInvalidMessage), s.handleMessage(websocket.MessageText, []byte(`{"type":"complete"} {}`)))
	require.NoError(t, s.handleMessage(websocket.MessageText, []byte(` {"type":"complete"} `)))
}
