package transport //nolint:contextcheck // a socket has a context of its own, which its operations live in

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"ticketing/graph/apierror"
	"ticketing/graph/request"
)

const subprotocol = "graphql-transport-ws"

// The close codes of graphql-transport-ws. With those of 4400 and more, but for 4408, clients do not connect again by themselves.
const (
	closeBadRequest   websocket.StatusCode = 4400
	closeUnauthorized websocket.StatusCode = 4401
	closeForbidden    websocket.StatusCode = 4403
	closeSubprotocol  websocket.StatusCode = 4406
	closeInitTimeout  websocket.StatusCode = 4408
	closeDuplicate    websocket.StatusCode = 4409
	closeTooMany      websocket.StatusCode = 4429
)

// closing ends a connection with a code and a reason.
type closing struct {
	code   websocket.StatusCode
	reason string
}

func (c *closing) Error() string { return c.reason }

var (
	errInvalidMessage = &closing{closeBadRequest, "Invalid message received"}
	errForbidden      = &closing{closeForbidden, "Forbidden"}
)

// socket is one WebSocket. One goroutine reads; whoever writes holds the lock for the time of one message.
type socket struct {
	h      *Handler
	conn   *websocket.Conn
	r      *http.Request
	ctx    context.Context // of the connection; a cause that is a *closing says how to close it
	cancel context.CancelCauseFunc

	release func() // uncounts it of its user

	writing sync.Mutex
	running sync.WaitGroup

	mu     sync.Mutex
	begun  bool                     // connection_init arrived
	viewer context.Context          // knows who is there; set once connection_init is acknowledged
	ops    map[string]*socketStream // by the client's id
}

// serveWebSocket serves a connection until its end, and does not return before all that it started has ended.
func (h *Handler) serveWebSocket(w http.ResponseWriter, r *http.Request) {
	if !h.streams.take() {
		writeRequestErrors(w, mediaJSON, http.StatusServiceUnavailable, presented(apierror.New(apierror.Unavailable, "too many connections")))
		return
	}
	defer h.streams.free()
	release, err := h.host.OpenFromAddress(r.Context())
	if err != nil {
		writeRequestErrors(w, mediaJSON, http.StatusTooManyRequests, presented(apierror.From(err)))
		return
	}
	defer release()
	conn, err := websocket.Accept(w, r, acceptOptions)
	if err != nil {
		return // Accept has answered
	}
	conn.SetReadLimit(h.cfg.MaxBody)
	if conn.Subprotocol() != subprotocol {
		_ = conn.Close(closeSubprotocol, "Subprotocol not acceptable")
		return
	}
	info := request.From(r.Context())
	info.IdempotencyKey, info.SetCookie = "", nil // what belongs to a single operation, or to an HTTP response
	ctx, cancel := context.WithCancelCause(request.With(context.WithoutCancel(withRemoteSpan(r)), info))
	s := &socket{h: h, conn: conn, r: r, ctx: ctx, cancel: cancel, release: func() {}, ops: map[string]*socketStream{}}
	defer func() { s.release() }()
	s.serve()
}

func (s *socket) serve() {
	defer s.running.Wait()
	defer s.cancel(nil)
	initTimer := time.AfterFunc(s.h.cfg.InitTimeout, s.initTimedOut)
	defer initTimer.Stop()
	s.running.Go(s.supervise)
	for {
		// Reads have no deadline of their own: supervise closes the connection, which ends them.
		kind, data, err := s.conn.Read(context.WithoutCancel(s.ctx))
		if err != nil {
			s.cancel(err)
			return
		}
		if s.ctx.Err() != nil {
			continue // supervise is closing the connection; Read fails in a moment
		}
		if err := s.receive(kind, data); err != nil {
			s.cancel(err)
		}
	}
}

// supervise keeps the connection alive, and closes it when it is to end, for whatever reason.
func (s *socket) supervise() {
	alive := time.NewTicker(s.h.cfg.KeepAlive)
	defer alive.Stop()
	for {
		select {
		case <-s.ctx.Done():
			s.close(context.Cause(s.ctx))
			return
		case <-s.h.stop:
			s.cancel(&closing{websocket.StatusServiceRestart, "the server is stopping; connect again"})
		case <-alive.C:
			if err := s.ping(); err != nil {
				s.cancel(err)
			}
		}
	}
}

// ping makes sure that there is still somebody.
func (s *socket) ping() error {
	ctx, cancel := context.WithTimeout(s.ctx, s.h.cfg.WriteTimeout)
	defer cancel()
	return s.conn.Ping(ctx)
}

// close says why, if there is something to say, within the time of a write.
func (s *socket) close(cause error) {
	if c, ok := errors.AsType[*closing](cause); ok {
		_ = s.conn.Close(c.code, c.reason)
		return
	}
	_ = s.conn.CloseNow()
}

func (s *socket) initTimedOut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.viewer == nil {
		s.cancel(&closing{closeInitTimeout, "Connection initialisation timeout"})
	}
}

// message is what goes over the connection in both directions.
type message struct {
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// receive handles one message of the client. An error ends the connection.
func (s *socket) receive(kind websocket.MessageType, data []byte) error {
	var m message
	if kind != websocket.MessageText || !utf8.Valid(data) || decode(data, &m) != nil {
		return errInvalidMessage
	}
	switch m.Type {
	case "connection_init":
		return s.init(m.Payload)
	case "ping":
		return s.pong(m.Payload)
	case "pong":
		return nil
	case "subscribe":
		return s.subscribe(m.ID, m.Payload)
	case "complete":
		s.forget(m.ID)
		return nil
	}
	return errInvalidMessage
}

// send writes a message. A client that does not take it in time is disconnected.
func (s *socket) send(m message) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return s.write(data)
}

func (s *socket) write(data []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	// Not the connection's context: a write that is cut short leaves no way to say why the connection ends.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), s.h.cfg.WriteTimeout)
	defer cancel()
	err := s.conn.Write(ctx, websocket.MessageText, data)
	if err != nil {
		s.cancel(err)
	}
	return err
}
