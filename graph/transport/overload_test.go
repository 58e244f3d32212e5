package transport

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
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

// held is a host whose queries last until they are released. A query for b waits for something elsewhere meanwhile; the response of a long one is
// longer than what a connection takes before it is read.
type held struct {
	flood
	release chan struct{}
	waiting *atomic.Int64 // queries for b
	long    *atomic.Int64 // long queries that were executed
}

func newHeld() held {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: `type Query { a: String b: String long: String }`})
	h := held{release: make(chan struct{}), waiting: new(atomic.Int64), long: new(atomic.Int64)}
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
		if strings.Contains(graphql.GetOperationContext(ctx).RawQuery, "long") {
			h.long.Add(1)
			return &graphql.Response{Data: json.RawMessage(`"` + strings.Repeat("x", 32<<20) + `"`)}
		}
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

// dial returns a connection whose client sends what it likes.
func dial(t *testing.T, url string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn, bufio.NewReader(conn)
}

// beginRequest sends all of a request but the body.
func beginRequest(t *testing.T, conn net.Conn, length int) {
	t.Helper()
	_, err := fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", length)
	require.NoError(t, err)
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

// A refusal is read on the connection of the request, which serves the next one. A body of the allowed size does not have to be over by then.
func TestARefusalKeepsTheConnection(t *testing.T) {
	t.Parallel()
	host := newHeld()
	h, url := serve(t, func(c *Config) { c.Host, c.MaxRunning = host, 1 })
	var accepted sync.WaitGroup
	accepted.Go(func() { _, _, _, _ = post(url, "{ a }") })
	awaitInside(t, h, 1)
	conn, responses := dial(t, url)
	body := `{"query":"` + strings.Repeat(" ", int(h.cfg.MaxBody)-20) + `{ a }"}`
	for range 3 {
		beginRequest(t, conn, len(body))
		for _, part := range []string{body[:len(body)/2], body[len(body)/2:]} {
			_, err := io.WriteString(conn, part)
			require.NoError(t, err)
		}
		response, err := http.ReadResponse(responses, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
		require.False(t, response.Close)
		require.NotEmpty(t, response.Header.Get("Retry-After"))
		var shed shedResponse
		require.NoError(t, json.NewDecoder(response.Body).Decode(&shed))
		shed.check(t)
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(t, err)
	}
	close(host.release)
	accepted.Wait()
}

// Clients that send slowly, or read slowly, keep no one else out.
func TestASlowClientTakesNoPlace(t *testing.T) {
	t.Parallel()
	host := newHeld()
	close(host.release)
	h, url := serve(t, func(c *Config) { c.Host, c.MaxRunning, c.WriteTimeout = host, 1, 2*testenv.Patience })
	sender, _ := dial(t, url)
	const body = `{"query":"{ a }"}`
	beginRequest(t, sender, len(body))
	_, err := io.WriteString(sender, body[:5])
	require.NoError(t, err)
	reader, _ := dial(t, url)
	const long = `{"query":"{ a long }"}`
	beginRequest(t, reader, len(long))
	_, err = io.WriteString(reader, long)
	require.NoError(t, err)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return host.long.Load() == 1, "it is not executed" })
	awaitInside(t, h, 0)
	for range 3 {
		status, _, _, err := post(url, "{ a }")
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status)
		awaitInside(t, h, 0)
	}
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
