package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
	"go.opentelemetry.io/otel/trace"

	"ticketing/graph/apierror"
	"ticketing/graph/request"
	"ticketing/internal/telemetry"
)

const subprotocol = "graphql-transport-ws"

// The close codes of graphql-transport-ws. After 4400 and above, except 4408, clients do not connect again themselves.
const (
	closeBadRequest   websocket.StatusCode = 4400
	closeUnauthorized websocket.StatusCode = 4401
	closeSubprotocol  websocket.StatusCode = 4406
	closeInitTimeout  websocket.StatusCode = 4408
	closeDuplicate    websocket.StatusCode = 4409
	closeTooMany      websocket.StatusCode = 4429
)

// closeError ends a connection with a code and a reason.
type closeError struct {
	code   websocket.StatusCode
	reason string
}

func (c *closeError) Error() string { return c.reason }

var (
	errInvalidMessage = &closeError{closeBadRequest, "Invalid message received"}
	errUnauthorized   = &closeError{closeUnauthorized, "Unauthorized"}
)

// socket is one WebSocket. One goroutine reads, and each operation that is not shared with others has one; couriers send what is shared.
type socket struct {
	h      *Handler
	conn   *websocket.Conn
	wire   *wire
	ctx    context.Context // of the connection; a *closeError as its cause says how to close it
	cancel context.CancelCauseFunc
	ending sync.Once
	opened time.Time

	release func() // of the count of its user

	handshake   Credentials // what the handshake had, and whether that was wrong
	wrong       error
	credentials Credentials // what connection_init signed in with
	refused     int         // messages over the limit

	running sync.WaitGroup
	round   round // of the couriers
	pulse   pulse

	mu     sync.Mutex
	begun  bool                     // connection_init arrived
	viewer context.Context          // has the viewer; set once connection_init is acknowledged
	ops    map[string]*socketStream // by the client's id
	used   time.Time                // when the last operation began or ended
}

// serveWebSocket begins to serve a connection, which goes on when it has returned: so the stack that the HTTP server needed is free, as is the request.
func (h *Handler) serveWebSocket(w http.ResponseWriter, r *http.Request) {
	ctx := detachRequest(r)
	release, status, err := h.openPlace(ctx)
	if err != nil {
		writeRequestErrors(w, mediaJSON, status, presentErrors(apierror.From(err)))
		return
	}
	up := &upgrade{ResponseWriter: w, timeout: h.cfg.WriteTimeout}
	var s *socket // nil until the connection is served
	conn, err := websocket.Accept(up, r, acceptOptions(func() bool { return s != nil && !s.isEnding() }))
	if err != nil {
		release()
		return // Accept has responded
	}
	if conn.Subprotocol() != subprotocol {
		_ = conn.Close(closeSubprotocol, "Subprotocol not acceptable")
		release()
		return
	}
	conn.SetReadLimit(h.cfg.MaxBody)
	s = &socket{h: h, conn: conn, wire: up.wire, opened: time.Now(), release: func() {}, ops: map[string]*socketStream{}, used: time.Now()}
	s.pulse.due = s.opened.Add(h.cfg.KeepAlive)
	s.handshake, s.wrong = h.readCredentials(r)
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	go s.serveSocket(release)
}

// detachRequest returns a context with what a connection needs of its handshake, and without the rest, which would be in memory as long.
func detachRequest(r *http.Request) context.Context {
	info := request.From(r.Context())
	info.IdempotencyKey, info.ConsistencyToken, info.LastEventID, info.SetCookie, info.SetHeader = "", "", "", nil, nil // what belongs to a single operation, or to an HTTP response
	info.UserAgent, info.ClientName, info.OrderLink = strings.Clone(info.UserAgent), strings.Clone(info.ClientName), strings.Clone(info.OrderLink)
	info.Cookie = noCookie
	if sent := r.Header["Cookie"]; len(sent) > 0 {
		cookies := &http.Request{Header: http.Header{"Cookie": sent}}
		info.Cookie = func(name string) string { return cookieValue(cookies, name) }
	}
	ctx := telemetry.WithCorrelationID(context.Background(), telemetry.CorrelationID(r.Context()))
	return request.With(trace.ContextWithRemoteSpanContext(ctx, trace.SpanContextFromContext(withRemoteSpan(r))), info)
}

func noCookie(string) string { return "" }

// serveSocket serves a connection until its end. It returns after all that it started has ended.
func (s *socket) serveSocket(release func()) {
	defer s.recoverPanic()
	defer release()
	defer func() { s.release() }()
	s.h.sockets.addSocket(s)
	defer s.h.sockets.removeSocket(s)
	defer s.leaveAll()
	defer s.running.Wait()
	defer s.endSocket(nil)
	for {
		// Reads have no deadline of their own: the end of the connection ends them.
		kind, b, err := s.readMessage()
		if err != nil {
			s.endSocket(err)
			return
		}
		if s.ctx.Err() == nil { // otherwise it is being closed; the next read fails in a moment
			if err := s.handleMessage(kind, b.Bytes()); err != nil {
				s.endSocket(err)
			}
		}
		putFrame(b)
	}
}

// readMessage waits for a message, for which only then a buffer is taken. The caller puts it back.
func (s *socket) readMessage() (websocket.MessageType, *bytes.Buffer, error) {
	kind, reader, err := s.conn.Reader(context.Background())
	if err != nil {
		return 0, nil, err
	}
	b := frames.Get().(*bytes.Buffer) //nolint:forcetypeassert // see frames
	_, err = b.ReadFrom(reader)
	return kind, b, err
}

// isEnding reports whether a close frame is on its way, or was sent. A pong can't follow it: the library would take that for a broken connection, and a
// connection that is closed before all was read is reset, so that the client may never see the frame.
func (s *socket) isEnding() bool { return s.ctx.Err() != nil }

// recoverPanic is deferred where a panic is to end the connection, and not the process.
func (s *socket) recoverPanic() {
	if p := recover(); p != nil {
		s.h.logPanic(s.ctx, "a WebSocket", p)
		s.endSocket(errPanic)
	}
}

// endSocket closes the connection in a goroutine of its own: with the code and reason of a *closeError, and otherwise without any. A write that a slow
// client holds up delays that by WriteTimeout at most.
func (s *socket) endSocket(cause error) {
	s.ending.Do(func() {
		s.cancel(cause)
		s.running.Go(func() {
			if c, ok := errors.AsType[*closeError](cause); ok {
				_ = s.conn.Close(c.code, c.reason)
				return
			}
			_ = s.conn.CloseNow()
		})
	})
}

// message is a message in either direction.
type message struct {
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// handleMessage handles one message of the client, and keeps nothing of data. An error ends the connection.
func (s *socket) handleMessage(kind websocket.MessageType, data []byte) error {
	var m message
	if kind != websocket.MessageText || !utf8.Valid(data) || json.Unmarshal(data, &m) != nil {
		return errInvalidMessage
	}
	switch m.Type {
	case "connection_init":
		return s.initConnection(m.Payload)
	case "ping":
		return s.sendPong(m.Payload)
	case "pong":
		return s.countAside()
	case "subscribe":
		return s.subscribe(m.ID, m.Payload)
	case "complete":
		s.completeStream(m.ID)
		return s.countAside()
	}
	return errInvalidMessage
}

// sendMessage disconnects a client that does not read the message in time.
func (s *socket) sendMessage(m message) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	b := newFrame()
	defer putFrame(b)
	_, _ = b.Write(data)
	return s.sendFrame(b)
}

// sendFrame sends the message in a buffer of newFrame.
func (s *socket) sendFrame(b *bytes.Buffer) error {
	_, err := s.wire.Write(encodeFrame(b))
	if err != nil {
		s.endSocket(err)
	}
	return err
}
