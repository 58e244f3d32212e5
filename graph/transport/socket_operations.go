package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"ticketing/graph/apierror"
	"ticketing/internal/overload"
)

// initConnection handles connection_init: it signs in with the payload or the handshake, and acknowledges.
func (s *socket) initConnection(payload json.RawMessage) error {
	if s.begun {
		return &closeError{closeTooMany, "Too many initialisation requests"}
	}
	s.begun = true
	c, err := s.readCredentials(payload)
	if err != nil {
		return err
	}
	viewer, err := s.h.host.SignIn(s.ctx, c)
	if err != nil {
		return refuseSignIn(err)
	}
	if s.release, err = s.h.openStream(viewer); err != nil {
		return &closeError{closeTooMany, "Too many connections"}
	}
	s.credentials = c
	s.mu.Lock()
	s.viewer = viewer
	s.mu.Unlock()
	s.h.host.OnSessionChange(viewer, s.endWithSession)
	return s.sendMessage(message{Type: "connection_ack"})
}

// readCredentials reads {"authorization": "Bearer …"} from the payload. Without that it reads the handshake: an Authorization header, which
// browsers can't send, or the cookie.
func (s *socket) readCredentials(payload json.RawMessage) (Credentials, error) {
	if len(payload) == 0 || bytes.Equal(payload, []byte("null")) {
		if s.wrong != nil {
			return Credentials{}, errUnauthorized
		}
		return s.handshake, nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(payload, &fields); err != nil {
		return Credentials{}, errInvalidMessage
	}
	for name, raw := range fields {
		if !strings.EqualFold(name, "authorization") || bytes.Equal(raw, []byte("null")) {
			continue
		}
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return Credentials{}, errUnauthorized
		}
		token, err := parseBearer(text)
		if err != nil {
			return Credentials{}, errUnauthorized
		}
		return Credentials{Bearer: token}, nil
	}
	return s.readCredentials(nil)
}

// refuseSignIn closes so that a client with a bad token does not connect again, and every other does.
func refuseSignIn(err error) error {
	if apierror.From(err).Code == apierror.Unauthenticated {
		return errUnauthorized
	}
	return &closeError{websocket.StatusTryAgainLater, "try again later"}
}

// endWithSession closes the connection when its session has changed.
func (s *socket) endWithSession() {
	defer s.recoverPanic()
	if s.h.host.SessionOver(s.viewer) {
		s.endSocket(errUnauthorized)
		return
	}
	s.endSocket(&closeError{websocket.StatusServiceRestart, "roles changed; connect again"})
}

// socketStream is one operation of a socket.
type socketStream struct {
	id        string
	encodedID []byte // as JSON
	cancel    context.CancelFunc

	shared *sharedStream // nil: the operation is executed for this client alone
}

// subscribe handles the message that starts an operation.
func (s *socket) subscribe(id string, payload json.RawMessage) error {
	const longest = 200
	if s.viewer == nil {
		return errUnauthorized
	}
	if id == "" || len(id) > longest {
		return errInvalidMessage
	}
	params, wrong := decodeParams(payload)
	if wrong != nil {
		return errInvalidMessage
	}
	s.mu.Lock()
	_, taken := s.ops[id]
	full := len(s.ops) >= s.h.cfg.MaxStreams
	s.mu.Unlock()
	if taken {
		return &closeError{closeDuplicate, fmt.Sprintf("Subscriber for %.80s already exists", id)}
	}
	err := s.admitOperation(full)
	if _, over := errors.AsType[*closeError](err); over {
		return err
	}
	if err != nil {
		refused := apierror.From(err)
		s.h.metrics.countRefused(string(refused.Code))
		return s.sendErrors(id, presentErrors(refused))
	}
	s.startStream(id, params)
	return nil
}

// admitOperation returns an error unless one more operation may start.
func (s *socket) admitOperation(full bool) error {
	if err := s.countMessage(); err != nil {
		return err
	}
	if full {
		return apierror.New(apierror.RateLimited, "at most %d operations at a time on one connection", s.h.cfg.MaxStreams)
	}
	return nil
}

// mostRefused is how many messages over the limit a connection may send: a client that was refused so often does not slow down.
const mostRefused = 10

// countMessage counts a message. It returns a *closeError when too many were refused.
func (s *socket) countMessage() error {
	err := s.h.host.AllowMessage(s.viewer)
	if err == nil || apierror.From(err).Code != apierror.RateLimited {
		return err
	}
	if s.refused++; s.refused > mostRefused {
		s.h.metrics.countLimited(limitMessages)
		return &closeError{closeTooMany, "Too many messages"}
	}
	return err
}

// countAside counts a message that has no response, and ends the connection when there are too many.
func (s *socket) countAside() error {
	if s.viewer == nil {
		return nil
	}
	if over, ok := errors.AsType[*closeError](s.countMessage()); ok {
		return over
	}
	return nil
}

// sendPong responds to a ping, unless there are too many of them.
func (s *socket) sendPong(payload json.RawMessage) error {
	if s.viewer != nil && s.h.host.AllowMessage(s.viewer) != nil {
		s.h.metrics.countLimited(limitMessages)
		return &closeError{closeTooMany, "Too many messages"}
	}
	return s.sendMessage(message{Type: "pong", Payload: payload})
}

func (s *socket) startStream(id string, params *operationParams) {
	ctx, cancel := context.WithCancel(s.ctx)
	encoded, _ := json.Marshal(id) //nolint:errchkjson // a text
	stream := &socketStream{id: id, encodedID: encoded, cancel: cancel}
	s.mu.Lock()
	s.ops[id], s.used = stream, time.Now()
	s.mu.Unlock()
	s.running.Go(func() { s.runStream(ctx, stream, params) })
}

// runStream executes an operation to its end and sends how it ended, unless the client has completed it. One that is shared with others goes on
// without it.
func (s *socket) runStream(ctx context.Context, stream *socketStream, params *operationParams) {
	defer stream.cancel()
	defer func() {
		if p := recover(); p != nil {
			s.h.logPanic(ctx, "an operation", p)
			if s.removeStream(stream) {
				_ = s.sendErrors(stream.id, presentPanic(ctx))
			}
		}
	}()
	ctx, refused := s.h.enterRunning(ctx)
	if refused != nil {
		if s.removeStream(stream) {
			_ = s.sendErrors(stream.id, presentErrors(refused))
		}
		return
	}
	defer overload.Leave(ctx)
	ctx, errs := s.signInAgain(ctx)
	var op *operation
	if errs == nil {
		op, errs = s.h.prepareOperation(ctx, params)
	}
	if errs == nil {
		var shared *Shared
		if shared, errs = s.h.shareOperation(op); shared != nil {
			s.joinShared(stream, op, shared, params)
			return
		}
	}
	if errs == nil {
		errs = op.emitResponses(func(r *graphql.Response) error { return s.sendNext(stream, encodeResponse(r, true)) })
	}
	s.endStream(stream, errs)
}

// endStream sends how an operation ended, unless the client has completed it.
func (s *socket) endStream(stream *socketStream, errs gqlerror.List) {
	if !s.removeStream(stream) || s.ctx.Err() != nil {
		return
	}
	if errs != nil {
		_ = s.sendErrors(stream.id, errs)
		return
	}
	_ = s.sendMessage(message{Type: "complete", ID: stream.id})
}

// signInAgain returns the context with the viewer as of now. Each operation is authenticated when it starts, as over HTTP: what has changed
// since connection_init may not have been announced. Only a subscription that runs goes on without.
func (s *socket) signInAgain(ctx context.Context) (context.Context, gqlerror.List) {
	if s.credentials == (Credentials{}) {
		return ctx, nil
	}
	viewer, err := s.h.host.SignIn(ctx, s.credentials)
	if err == nil && s.h.host.SignedIn(s.viewer) && !s.h.host.SignedIn(viewer) {
		err = apierror.New(apierror.Unauthenticated, "the session is over") // of a cookie
	}
	if err == nil {
		return viewer, nil
	}
	if apierror.From(err).Code == apierror.Unauthenticated {
		s.endSocket(errUnauthorized)
	}
	return ctx, presentErrors(apierror.From(err))
}

// sendNext sends one response. Its payload is JSON already.
func (s *socket) sendNext(stream *socketStream, payload []byte) error {
	if !s.isCurrent(stream) {
		return context.Canceled
	}
	b := stream.encodeNext(payload)
	defer putFrame(b)
	return s.sendFrame(b)
}

// isCurrent reports whether a stream has neither ended nor been completed.
func (s *socket) isCurrent(stream *socketStream) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ops[stream.id] == stream
}

// encodeNext returns the message with a response. The caller puts the buffer back.
func (stream *socketStream) encodeNext(payload []byte) *bytes.Buffer {
	b := newFrame()
	b.WriteString(`{"type":"next","id":`)
	b.Write(stream.encodedID)
	b.WriteString(`,"payload":`)
	b.Write(payload)
	b.WriteByte('}')
	return b
}

// sendErrors ends an operation with errors. Nothing follows it.
func (s *socket) sendErrors(id string, errs gqlerror.List) error {
	return s.sendMessage(message{Type: "error", ID: id, Payload: encodeErrors(errs)})
}

// removeStream frees the id of an operation. It returns false when the client has completed it already.
func (s *socket) removeStream(stream *socketStream) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ops[stream.id] != stream {
		return false
	}
	delete(s.ops, stream.id)
	s.used = time.Now()
	return true
}

// completeStream ends an operation because the client asked for it: nothing more is sent for it, and its id is free at once.
func (s *socket) completeStream(id string) {
	s.mu.Lock()
	cancel := func() {}
	if stream, running := s.ops[id]; running {
		cancel = stream.cancel
	}
	delete(s.ops, id)
	s.used = time.Now()
	s.mu.Unlock()
	cancel()
}
