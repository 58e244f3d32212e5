package transport //nolint:contextcheck // a socket has a context of its own, which its operations live in

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"ticketing/graph/apierror"
)

// init handles connection_init: it signs in whoever the payload or the cookie names, and acknowledges.
func (s *socket) init(payload json.RawMessage) error {
	if s.begun {
		return &closing{closeTooMany, "Too many initialisation requests"}
	}
	s.begun = true
	c, err := s.credentials(payload)
	if err != nil {
		return err
	}
	viewer, err := s.h.host.SignIn(s.ctx, c)
	if err != nil {
		return refusal(err)
	}
	if s.release, err = s.h.host.OpenForUser(viewer); err != nil {
		return &closing{closeTooMany, "Too many connections"}
	}
	s.mu.Lock()
	s.viewer = viewer
	s.mu.Unlock()
	s.running.Go(func() { s.endWithSession(viewer) })
	return s.send(message{Type: "connection_ack"})
}

// credentials reads {"authorization": "Bearer …"}, or what the handshake said when there is no such thing: an Authorization header, which
// browsers can't send, or the cookie.
func (s *socket) credentials(payload json.RawMessage) (Credentials, error) {
	if len(payload) == 0 || bytes.Equal(payload, []byte("null")) {
		c, err := s.h.credentials(s.r)
		if err != nil {
			return c, errForbidden
		}
		return c, nil
	}
	var fields map[string]json.RawMessage
	if err := decode(payload, &fields); err != nil {
		return Credentials{}, errInvalidMessage
	}
	for name, raw := range fields {
		if !strings.EqualFold(name, "authorization") || bytes.Equal(raw, []byte("null")) {
			continue
		}
		var text string
		if err := decode(raw, &text); err != nil {
			return Credentials{}, errForbidden
		}
		token, err := bearer(text)
		if err != nil {
			return Credentials{}, errForbidden
		}
		return Credentials{Bearer: token}, nil
	}
	return s.credentials(nil)
}

// refusal closes so that a client with a bad token stays away, and one that came at a bad time comes back.
func refusal(err error) error {
	if apierror.From(err).Code == apierror.Unauthenticated {
		return errForbidden
	}
	return &closing{websocket.StatusTryAgainLater, "try again later"}
}

// endWithSession closes the connection when the session ends: what it streams is nobody's any more.
func (s *socket) endWithSession(viewer context.Context) {
	select {
	case <-s.ctx.Done():
	case over := <-s.h.host.SessionEnded(viewer):
		if over {
			s.cancel(&closing{closeUnauthorized, "Unauthorized"})
			return
		}
		s.cancel(&closing{websocket.StatusServiceRestart, "roles changed; connect again"})
	}
}

// socketStream is one operation of a socket.
type socketStream struct {
	id     string
	cancel context.CancelFunc
}

// subscribe handles the message that starts an operation.
func (s *socket) subscribe(id string, payload json.RawMessage) error {
	const longest = 200
	if s.viewer == nil {
		return &closing{closeUnauthorized, "Unauthorized"}
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
		return &closing{closeDuplicate, fmt.Sprintf("Subscriber for %.80s already exists", id)}
	}
	if err := s.admit(full); err != nil {
		return s.fail(id, presented(apierror.From(err)))
	}
	s.start(id, params)
	return nil
}

// admit says whether one more operation may start.
func (s *socket) admit(full bool) error {
	if err := s.h.host.AllowMessage(s.viewer); err != nil {
		return err
	}
	if full {
		return apierror.New(apierror.RateLimited, "at most %d operations at a time on one connection", s.h.cfg.MaxStreams)
	}
	return nil
}

// pong answers a ping, unless there are too many of them.
func (s *socket) pong(payload json.RawMessage) error {
	if s.viewer != nil && s.h.host.AllowMessage(s.viewer) != nil {
		return &closing{closeTooMany, "Too many messages"}
	}
	return s.send(message{Type: "pong", Payload: payload})
}

func (s *socket) start(id string, params *graphql.RawParams) {
	ctx, cancel := context.WithCancel(s.viewer)
	stream := &socketStream{id: id, cancel: cancel}
	s.mu.Lock()
	s.ops[id] = stream
	s.mu.Unlock()
	s.running.Go(func() {
		defer cancel()
		s.run(ctx, stream, params)
	})
}

// run executes an operation to its end and says how it ended, unless the client has completed it.
func (s *socket) run(ctx context.Context, stream *socketStream, params *graphql.RawParams) {
	defer func() {
		if p := recover(); p != nil {
			s.h.cfg.Logger.ErrorContext(ctx, "panic in an operation", "panic", p, "stack", string(debug.Stack()))
			if s.end(stream) {
				_ = s.fail(stream.id, presented(apierror.From(errPanic)))
			}
		}
	}()
	op, errs := s.h.prepare(ctx, params)
	if errs == nil {
		errs = op.emit(func(r *graphql.Response) error { return s.next(stream, r) })
	}
	if !s.end(stream) || s.ctx.Err() != nil {
		return
	}
	if errs != nil {
		_ = s.fail(stream.id, errs)
		return
	}
	_ = s.send(message{Type: "complete", ID: stream.id})
}

// next sends one response. Its payload is JSON already.
func (s *socket) next(stream *socketStream, r *graphql.Response) error {
	s.mu.Lock()
	current := s.ops[stream.id] == stream
	s.mu.Unlock()
	if !current {
		return context.Canceled
	}
	id, err := json.Marshal(stream.id)
	if err != nil {
		return err
	}
	payload := encode(r, true)
	var b bytes.Buffer
	b.Grow(len(payload) + len(id) + 64)
	b.WriteString(`{"type":"next","id":`)
	b.Write(id)
	b.WriteString(`,"payload":`)
	b.Write(payload)
	b.WriteByte('}')
	return s.write(b.Bytes())
}

// fail ends an operation with errors. Nothing follows it.
func (s *socket) fail(id string, errs gqlerror.List) error {
	return s.send(message{Type: "error", ID: id, Payload: encodeErrors(errs)})
}

// end frees the id of an operation and answers false when the client has done so before.
func (s *socket) end(stream *socketStream) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ops[stream.id] != stream {
		return false
	}
	delete(s.ops, stream.id)
	return true
}

// forget ends an operation at the client's wish: nothing more is sent for it, and its id is free at once.
func (s *socket) forget(id string) {
	s.mu.Lock()
	stream, running := s.ops[id]
	delete(s.ops, id)
	s.mu.Unlock()
	if running {
		stream.cancel()
	}
}
