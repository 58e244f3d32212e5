package transport

import (
	"context"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"ticketing/graph/apierror"
	"ticketing/internal/testenv"
)

// door is a host that takes every bearer token, and that allows some messages.
type door struct {
	flood

	allowed atomic.Int64
}

type bearerKey struct{}

func (d *door) SignIn(ctx context.Context, c Credentials) (context.Context, error) {
	if c.Bearer == "" {
		return ctx, nil
	}
	return context.WithValue(ctx, bearerKey{}, c.Bearer), nil
}

func (*door) SignedIn(ctx context.Context) bool { return ctx.Value(bearerKey{}) != nil }

func (d *door) Proven(ctx context.Context) bool {
	return d.SignedIn(ctx) && ctx.Value(bearerKey{}) != "guest"
}

func (d *door) AllowMessage(context.Context) error {
	if d.allowed.Add(-1) < 0 {
		return apierror.New(apierror.RateLimited, "too many messages")
	}
	return nil
}

func serveDoor(t *testing.T, allowed int64, change func(*Config)) (*Handler, string) {
	t.Helper()
	d := &door{flood: newFlood()}
	d.allowed.Store(allowed)
	return serve(t, func(c *Config) {
		c.Host = d
		change(c)
	})
}

const (
	anonymousInit = `{"type":"connection_init"}`
	guestInit     = `{"type":"connection_init","payload":{"authorization":"Bearer guest"}}`
	signedInInit  = `{"type":"connection_init","payload":{"authorization":"Bearer token"}}`
)

// connect opens a WebSocket, sends connection_init and reads the acknowledgement, if there is one.
func connect(t *testing.T, url, initMessage string) *websocket.Conn {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{Subprotocols: []string{subprotocol}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.CloseNow() })
	conn.SetReadLimit(4 << 20)
	writeText(t, conn, initMessage)
	return conn
}

func writeText(t *testing.T, conn *websocket.Conn, text string) {
	t.Helper()
	require.NoError(t, conn.Write(t.Context(), websocket.MessageText, []byte(text)))
}

// readClose reads until the connection is closed, and returns the code.
func readClose(t *testing.T, conn *websocket.Conn) websocket.StatusCode {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testenv.Patience)
	defer cancel()
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			require.NoError(t, ctx.Err())
			return websocket.CloseStatus(err)
		}
	}
}

func requireAcknowledged(t *testing.T, conn *websocket.Conn) {
	t.Helper()
	_, data, err := conn.Read(t.Context())
	require.NoError(t, err)
	require.JSONEq(t, `{"type":"connection_ack"}`, string(data))
}

func TestAnIdleSocketOfAGuestOrNoViewerEnds(t *testing.T) {
	t.Parallel()
	_, url := serveDoor(t, 1000, func(c *Config) { c.KeepAlive, c.AnonymousIdle = 20*time.Millisecond, 100*time.Millisecond })
	anonymous, guest, signedIn := connect(t, url, anonymousInit), connect(t, url, guestInit), connect(t, url, signedInInit)
	busy := connect(t, url, anonymousInit)
	requireAcknowledged(t, busy)
	writeText(t, busy, `{"id":"1","type":"subscribe","payload":{"query":"subscription { flood }"}}`)
	_, _, err := busy.Read(t.Context())
	require.NoError(t, err)

	require.Equal(t, websocket.StatusNormalClosure, readClose(t, anonymous))
	require.Equal(t, websocket.StatusNormalClosure, readClose(t, guest))
	requireAcknowledged(t, signedIn)
	read := make(chan error, 1)
	go func() { // reads pings; nothing else arrives
		_, _, err := signedIn.Read(t.Context())
		read <- err
	}()
	_, _, err = busy.Read(t.Context())
	require.NoError(t, err, "an operation runs on it")
	select {
	case err := <-read:
		t.Fatalf("a signed-in socket was closed: %v", err)
	default:
	}
}

func TestRefusalsEndInTheConnectionsEnd(t *testing.T) {
	t.Parallel()
	const subscribe = `{"id":"1","type":"subscribe","payload":{"query":"{ __typename }"}}`
	for _, m := range []string{subscribe, `{"id":"1","type":"complete"}`, `{"type":"pong"}`, `{"type":"ping"}`} {
		_, url := serveDoor(t, 0, func(*Config) {})
		conn := connect(t, url, signedInInit)
		requireAcknowledged(t, conn)
		go func() {
			for range mostRefused + 1 {
				_ = conn.Write(t.Context(), websocket.MessageText, []byte(m))
			}
		}()
		require.Equal(t, closeTooMany, readClose(t, conn), m)
	}
}

func TestPlacesAreKeptForSignedInUsers(t *testing.T) {
	t.Parallel()
	h, url := serveDoor(t, 1000, func(c *Config) { c.MaxSockets, c.MaxAnonymous = 4, 2 })
	requireAcknowledged(t, connect(t, url, anonymousInit))
	requireAcknowledged(t, connect(t, url, guestInit))
	require.Equal(t, closeTooMany, readClose(t, connect(t, url, anonymousInit)))
	require.Equal(t, closeTooMany, readClose(t, connect(t, url, guestInit)))
	h.awaitPlaces(t, 2)
	requireAcknowledged(t, connect(t, url, signedInInit))
	requireAcknowledged(t, connect(t, url, signedInInit))
	_, response, err := websocket.Dial(t.Context(), url, nil)
	require.Error(t, err)
	require.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
}

// awaitPlaces waits until so many places are taken: that of a connection is free a moment after it was closed.
func (h *Handler) awaitPlaces(t *testing.T, taken int) {
	t.Helper()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return len(h.streams) == taken, strconv.Itoa(len(h.streams)) })
}
