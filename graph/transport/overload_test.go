package transport

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"ticketing/internal/overload"
	"ticketing/internal/testenv"
)

// held is a host whose queries last until they are released. A query for b waits for something elsewhere meanwhile.
type held struct {
	flood
	release chan struct{}
	waiting *atomic.Int64 // queries for b
}

func newHeld() held {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: `type Query { a: String b: String }`})
	h := held{release: make(chan struct{}), waiting: new(atomic.Int64)}
	h.exec = executor.New(&graphql.ExecutableSchemaMock{
		SchemaFunc: func() *ast.Schema { return schema },
		ExecFunc: func(context.Context) graphql.ResponseHandler {
			return graphql.OneShot(nil)
		},
	})
	h.exec.AroundResponses(func(ctx context.Context, _ graphql.ResponseHandler) *graphql.Response {
		if strings.Contains(graphql.GetOperationContext(ctx).RawQuery, "b") {
			defer overload.Wait(ctx)()
			h.waiting.Add(1)
		}
		<-h.release
		return &graphql.Response{Data: json.RawMessage(`{}`)}
	})
	return h
}

// shedResponse is what a client of an overloaded process gets.
type shedResponse struct {
	Errors []struct {
		Extensions struct {
			Code              string
			RetryAfterSeconds int
		}
	}
}

func (r shedResponse) check(t *testing.T) {
	t.Helper()
	require.Len(t, r.Errors, 1)
	require.Equal(t, "UNAVAILABLE", r.Errors[0].Extensions.Code)
	require.GreaterOrEqual(t, r.Errors[0].Extensions.RetryAfterSeconds, 1)
}

func post(url, query string) (status int, header http.Header, body string, err error) {
	response, err := http.Post(url, "application/json", strings.NewReader(`{"query":"`+query+`"}`))
	if err != nil {
		return 0, nil, "", err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, response.Header, string(text), err
}

func awaitInside(t *testing.T, h *Handler, want int) {
	t.Helper()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		return h.running.Inside() == want, fmt.Sprintf("%d operations run", h.running.Inside())
	})
}

// apart is a crowd of which each client has an execution of its own.
type apart struct{ crowd }

func (apart) Share(context.Context, *graphql.OperationContext) (*Shared, error) { return nil, nil } //nolint:nilnil // nothing is shared

func TestASubscriptionThatWaitsForItsFirstStateTakesNoPlace(t *testing.T) {
	t.Parallel()
	host := apart{newCrowd()}
	h, url := serve(t, func(c *Config) { c.Host, c.MaxRunning = host, 1 })
	for i := range int64(3) {
		conn, err := subscribeToCrowd(t.Context(), url)
		require.NoError(t, err)
		defer conn.CloseNow()
		testenv.Eventually(t, testenv.Patience, func() (bool, string) { return host.executions.Load() == i+1, "it is not executed" })
		awaitInside(t, h, 0)
	}
}

func TestWhatIsInExcessIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	host := newHeld()
	h, url := serve(t, func(c *Config) { c.Host, c.MaxRunning = host, 2 })
	var accepted sync.WaitGroup
	send := func(query string) {
		accepted.Go(func() {
			status, _, body, err := post(url, query)
			assert.NoError(t, err)
			assert.Equal(t, http.StatusOK, status)
			assert.JSONEq(t, `{"data":{}}`, body)
		})
	}
	for i := range 10 { // more than may run, but they wait elsewhere
		send("{ b }")
		testenv.Eventually(t, testenv.Patience, func() (bool, string) {
			return int(host.waiting.Load()) == i+1, "it does not wait yet"
		})
	}
	send("{ a }")
	send("{ a }")
	awaitInside(t, h, 2)

	status, header, body, err := post(url, "{ a }")
	require.NoError(t, err)
	require.Equal(t, http.StatusServiceUnavailable, status)
	var shed shedResponse
	require.NoError(t, json.Unmarshal([]byte(body), &shed))
	shed.check(t)
	require.Equal(t, strconv.Itoa(shed.Errors[0].Extensions.RetryAfterSeconds), header.Get("Retry-After"))
	requireShedOnSocket(t, url)

	close(host.release)
	accepted.Wait()
	awaitInside(t, h, 0)
	status, _, _, err = post(url, "{ a }")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
}

// requireShedOnSocket checks that an operation of a WebSocket is refused, and that the connection stays.
func requireShedOnSocket(t *testing.T, url string) {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{Subprotocols: []string{subprotocol}})
	require.NoError(t, err)
	defer conn.CloseNow()
	exchange := func(text string) (m message) {
		require.NoError(t, conn.Write(t.Context(), websocket.MessageText, []byte(text)))
		_, data, err := conn.Read(t.Context())
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &m))
		return m
	}
	require.Equal(t, "connection_ack", exchange(`{"type":"connection_init"}`).Type)
	for range 2 {
		refused := exchange(`{"type":"subscribe","id":"1","payload":{"query":"{ a }"}}`)
		require.Equal(t, "error", refused.Type)
		var shed shedResponse
		require.NoError(t, json.Unmarshal([]byte(`{"errors":`+string(refused.Payload)+`}`), &shed))
		shed.check(t)
	}
}
