package transport

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"ticketing/graph/apierror"
	"ticketing/internal/overload"
)

var (
	errSessionOver    = errors.New("the session ended")
	errSessionChanged = errors.New("the session's roles changed")
	errStopping       = errors.New("the server is stopping")
)

// sessionError returns why a stream ends with its session.
func sessionError(over bool) error {
	if over {
		return errSessionOver
	}
	return errSessionChanged
}

// serveEvents serves one operation as server-sent events: the distinct connections mode of graphql-sse. Errors of the operation are events
// too: a browser's EventSource can't read the body of an error response.
func (h *Handler) serveEvents(w http.ResponseWriter, r *http.Request, params *operationParams) {
	if r.Header.Get("Last-Event-ID") == overID {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	release, status, err := h.openPlace(r.Context())
	if err != nil {
		writeRequestErrors(w, mediaJSON, status, presentErrors(apierror.From(err)))
		return
	}
	defer release()
	ctx, errs := h.signIn(r)
	ctx, cancel := context.WithCancelCause(ctx)
	s := &eventStream{h: h, w: w, cancel: cancel}
	s.sendHeader()
	if errs == nil {
		releaseUser, err := h.openStream(ctx)
		defer releaseUser()
		if err != nil {
			errs = presentErrors(apierror.From(err))
		}
	}
	if errs == nil {
		errs = h.emitEvents(ctx, r, params, s)
	}
	cause := context.Cause(ctx)
	cancel(nil)
	s.watching.Wait() // nothing may write after this function
	if errors.Is(cause, errPanic) {
		errs = presentPanic(ctx)
	}
	s.sendEnd(cause, errs)
}

func (h *Handler) emitEvents(ctx context.Context, r *http.Request, params *operationParams, s *eventStream) gqlerror.List {
	op, errs := h.prepareOperation(ctx, params)
	if errs != nil {
		return errs
	}
	if op.kind == ast.Mutation && r.Method == http.MethodGet {
		op.finish()
		return badRequest("mutations need POST")
	}
	shared, errs := h.shareOperation(op)
	if errs != nil {
		return errs
	}
	if shared != nil {
		defer op.finish()
		return s.sendShared(ctx, op, shared, params)
	}
	s.watching.Go(func() {
		defer s.recoverPanic(ctx)
		s.supervise(ctx, nil, func() bool { return true })
	})
	return op.emitResponses(func(r *graphql.Response) error { return s.sendEvent(op.state.EventID, "next", encodeResponse(r, true)) })
}

// sendShared sends what the client shares with others until the stream ends. It needs no goroutine of its own.
func (s *eventStream) sendShared(ctx context.Context, op *operation, shared *Shared, params *operationParams) (errs gqlerror.List) {
	woken := make(chan struct{}, 1)
	wake := func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	}
	m := s.h.shared.join(shared, params, op.span.SpanContext(), wake)
	defer m.leave()
	overload.Leave(op.ctx) // it waits from now on, for hours
	op.oc, op.exec = nil, nil
	var resumeAt time.Time
	s.supervise(ctx, woken, func() bool {
		for ctx.Err() == nil && !time.Now().Before(resumeAt) {
			r, _ := m.take()
			if r == nil {
				var ended bool
				ended, errs = m.ended()
				return !ended
			}
			if s.sendEvent(r.eventID, "next", r.payload) != nil {
				return false
			}
			op.sent.Add(1)
			if pause := s.h.host.ChargeShared(ctx, m.cost(), len(r.payload)); pause > 0 {
				resumeAt = time.Now().Add(pause)
				time.AfterFunc(pause, wake)
			}
		}
		return true
	})
	return errs
}

// eventStream sends events, one at a time.
type eventStream struct {
	h        *Handler
	mu       sync.Mutex
	w        http.ResponseWriter
	cancel   context.CancelCauseFunc
	watching sync.WaitGroup
}

func (s *eventStream) sendHeader() {
	s.w.Header().Set("Content-Type", mediaEvents+"; charset=utf-8")
	s.w.Header().Set("X-Accel-Buffering", "no")
	s.w.WriteHeader(http.StatusOK)
	_ = s.writeEvent([]byte(":\n\n"))
}

// supervise ends the stream with the session or with the server, and keeps it alive until then. It calls whenWoken for each token, until that
// returns false.
func (s *eventStream) supervise(ctx context.Context, woken <-chan struct{}, whenWoken func() bool) {
	s.h.host.OnSessionChange(ctx, func() {
		defer s.recoverPanic(ctx)
		s.cancel(sessionError(s.h.host.SessionOver(ctx)))
	})
	alive := time.NewTicker(s.h.cfg.KeepAlive)
	defer alive.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.h.stop:
			s.cancel(errStopping)
			return
		case <-alive.C:
			_ = s.writeEvent([]byte(":\n\n"))
		case <-woken:
			if !whenWoken() {
				return
			}
		}
	}
}

// recoverPanic is deferred where a panic is to end the stream, and not the process.
func (s *eventStream) recoverPanic(ctx context.Context) {
	if p := recover(); p != nil {
		s.h.logPanic(ctx, "an event stream", p)
		s.cancel(errPanic)
	}
}

// overID is the id of a stream's last event when a new stream would end in the same way. A browser's EventSource connects again whenever a
// stream ends, and says which event it had last; only a 204 stops it: https://html.spec.whatwg.org/multipage/server-sent-events.html.
const overID = "over"

// When clients connect again after the server has stopped: not all of them at once.
const (
	reconnectFirst  = 500 * time.Millisecond
	reconnectSpread = 3 * time.Second
)

// sendEnd sends how the stream ended. A client whose rights have changed gets nothing: it connects again for a stream that is not complete.
func (s *eventStream) sendEnd(cause error, errs gqlerror.List) {
	if errors.Is(cause, errSessionChanged) {
		return
	}
	if errors.Is(cause, errSessionOver) {
		errs = presentErrors(apierror.New(apierror.Unauthenticated, "the session ended"))
	}
	after, again := reconnectAfter(errs)
	again = again || errors.Is(cause, errStopping)
	if again {
		pause := after + reconnectFirst + rand.N(reconnectSpread) //nolint:gosec // spreads clients, is not secret
		_ = s.writeEvent(fmt.Appendf(nil, "retry: %d\n\n", pause.Milliseconds()))
	}
	if errs != nil {
		_ = s.sendEvent("", "next", encodeResponse(&graphql.Response{Errors: errs}, false))
	}
	if !again {
		_ = s.sendEvent(overID, "complete", nil)
		return
	}
	_ = s.sendEvent("", "complete", nil)
}

// reconnectAfter reports whether a stream that ended with errs may do better the next time, and after which time at the earliest.
func reconnectAfter(errs gqlerror.List) (after time.Duration, again bool) {
	for _, err := range errs {
		switch apierror.Code(fmt.Sprint(err.Extensions["code"])) { //nolint:exhaustive // the others come again
		case apierror.RateLimited, apierror.Unavailable, apierror.ReadBehind, apierror.Internal:
			seconds, _ := err.Extensions["retryAfterSeconds"].(int)
			after, again = max(after, time.Duration(seconds)*time.Second), true
		}
	}
	return after, again
}

// sendEvent sends an event, which has no id if that is "": then a client that connects again says which event with an id it had last.
func (s *eventStream) sendEvent(id, name string, data []byte) error {
	var event []byte
	if id != "" {
		event = fmt.Appendf(event, "id: %s\n", id)
	}
	return s.writeEvent(fmt.Appendf(event, "event: %s\ndata: %s\n\n", name, data))
}

// writeEvent ends the stream when the client is gone, or does not read in time.
func (s *eventStream) writeEvent(event []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.w.Write(event) //nolint:gosec,nolintlint // an event stream, whose data is JSON; not found in every run
	if err != nil {
		s.cancel(err)
	}
	return err
}
