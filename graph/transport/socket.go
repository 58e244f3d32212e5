package transport

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

// socket is one WebSocket. One goroutine reads; a writer holds the lock for one message.
type socket struct {
	h      *Handler
	conn   *websocket.Conn
	r      *http.Request
	ctx    context.Context // of the connection; a *closeError as its cause says how to close it
	cancel context.CancelCauseFunc

	release func() // of the count of its user

	sessions chan (<-chan struct{}) // gets one once the viewer is known: it is closed when the viewer's session changes
	woken    chan struct{}          // holds a token when a shared stream may have a response
	frames   []*socketStream        // for sendShared

	credentials Credentials // what connection_init signed in with
	refused     int         // messages over the limit

	writing sync.Mutex
	running sync.WaitGroup

	mu     sync.Mutex
	begun  bool                     // connection_init arrived
	viewer context.Context          // has the viewer; set once connection_init is acknowledged
	ops    map[string]*socketStream // by the client's id
	used   time.Time                // when the last operation began or ended
}

// serveWebSocket serves a connection until its end. It returns after all that it started has ended.
func (h *Handler) serveWebSocket(w http.ResponseWriter, r *http.Request) {
	release, status, err := h.openPlace(r.Context())
	if err != nil {
		writeRequestErrors(w, mediaJSON, status, presentErrors(apierror.From(err)))
		return
	}
	defer release()
	conn, err := websocket.Accept(w, r, acceptOptions)
	if err != nil {
		return // Accept has responded
	}
	conn.SetReadLimit(h.cfg.MaxBody)
	if conn.Subprotocol() != subprotocol {
		_ = conn.Close(closeSubprotocol, "Subprotocol not acceptable")
		return
	}
	info := request.From(r.Context())
	info.IdempotencyKey, info.ConsistencyToken, info.SetCookie, info.SetHeader = "", "", nil, nil // what belongs to a single operation, or to an HTTP response
	ctx, cancel := context.WithCancelCause(request.With(context.WithoutCancel(withRemoteSpan(r)), info))
	s := &socket{h: h, conn: conn, r: r, ctx: ctx, cancel: cancel, release: func() {}, ops: map[string]*socketStream{}, used: time.Now(),
		sessions: make(chan (<-chan struct{}), 1), woken: make(chan struct{}, 1)}
	defer func() { s.release() }()
	s.readMessages()
}

func (s *socket) readMessages() {
	defer s.leaveAll()
	defer s.running.Wait()
	defer s.cancel(nil)
	initTimer := time.AfterFunc(s.h.cfg.InitTimeout, s.initTimedOut)
	defer initTimer.Stop()
	s.running.Go(s.superviseSocket)
	for {
		// Reads have no deadline of their own: superviseSocket closes the connection, which ends them.
		kind, data, err := s.conn.Read(context.WithoutCancel(s.ctx))
		if err != nil {
			s.cancel(err)
			return
		}
		if s.ctx.Err() != nil {
			continue // superviseSocket is closing the connection; Read fails in a moment
		}
		if err := s.handleMessage(kind, data); err != nil {
			s.cancel(err)
		}
	}
}

// superviseSocket keeps the connection alive, sends what it shares with others, and closes it once its context ends. A write that a slow client
// holds up delays that by WriteTimeout at most.
func (s *socket) superviseSocket() {
	var session <-chan struct{}
	alive := time.NewTicker(s.h.cfg.KeepAlive)
	defer alive.Stop()
	for {
		select {
		case <-s.ctx.Done():
			s.closeSocket(context.Cause(s.ctx))
			return
		case <-s.h.stop:
			s.cancel(&closeError{websocket.StatusGoingAway, "the server is stopping; connect again"})
		case session = <-s.sessions:
		case <-session:
			session = nil
			s.endWithSession()
		case <-s.woken:
			s.sendShared()
		case <-alive.C:
			if s.isIdle() {
				s.h.metrics.countLimited(limitIdle)
				s.cancel(&closeError{websocket.StatusNormalClosure, "idle"})
				continue
			}
			s.running.Go(s.pingClient) // until the client responds
		}
	}
}

// isIdle reports whether the connection is that of a guest or of no viewer, and has run nothing for a while.
func (s *socket) isIdle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.viewer == nil || len(s.ops) > 0 || time.Since(s.used) < s.h.cfg.AnonymousIdle {
		return false
	}
	return !s.h.host.Proven(s.viewer)
}

func (s *socket) pingClient() {
	ctx, cancel := context.WithTimeout(s.ctx, s.h.cfg.WriteTimeout)
	defer cancel()
	if err := s.conn.Ping(ctx); err != nil {
		s.cancel(err)
	}
}

// closeSocket closes with the code and reason of a *closeError, and otherwise without any.
func (s *socket) closeSocket(cause error) {
	if c, ok := errors.AsType[*closeError](cause); ok {
		_ = s.conn.Close(c.code, c.reason)
		return
	}
	_ = s.conn.CloseNow()
}

func (s *socket) initTimedOut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.viewer == nil {
		s.h.metrics.countLimited(limitSignIn)
		s.cancel(&closeError{closeInitTimeout, "Connection initialisation timeout"})
	}
}

// message is a message in either direction.
type message struct {
	Type    string          `json:"type"`
	ID      string          `json:"id,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// handleMessage handles one message of the client. An error ends the connection.
func (s *socket) handleMessage(kind websocket.MessageType, data []byte) error {
	var m message
	if kind != websocket.MessageText || !utf8.Valid(data) || decodeJSON(data, &m) != nil {
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
	return s.writeData(data)
}

func (s *socket) writeData(data []byte) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	// Not the connection's context: after an interrupted write no close code can be sent.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), s.h.cfg.WriteTimeout)
	defer cancel()
	err := s.conn.Write(ctx, websocket.MessageText, data)
	if err != nil {
		s.cancel(err)
	}
	return err
}
