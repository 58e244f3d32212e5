package transport

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"ticketing/graph/apierror"
)

var (
	errSessionOver    = errors.New("the session ended")
	errSessionChanged = errors.New("the session's roles changed")
	errStopping       = errors.New("the server is stopping")
)

// ending answers why a stream of a session is to end.
func ending(over bool) error {
	if over {
		return errSessionOver
	}
	return errSessionChanged
}

// serveEvents answers one operation as server-sent events: distinct connections mode of graphql-sse. What is wrong with the operation is
// an event, too: a browser's EventSource can't read the body of a refusal.
func (h *Handler) serveEvents(w http.ResponseWriter, r *http.Request, params *graphql.RawParams) {
	if !h.streams.take() {
		writeRequestErrors(w, mediaJSON, http.StatusServiceUnavailable, presented(apierror.New(apierror.Unavailable, "too many streams")))
		return
	}
	defer h.streams.free()
	release, err := h.host.OpenFromAddress(r.Context())
	if err != nil {
		writeRequestErrors(w, mediaJSON, http.StatusTooManyRequests, presented(apierror.From(err)))
		return
	}
	defer release()
	ctx, errs := h.signIn(r)
	ctx, cancel := context.WithCancelCause(ctx)
	s := &eventStream{w: w, cancel: cancel}
	s.begin()
	if errs == nil {
		releaseUser, err := h.host.OpenForUser(ctx)
		defer releaseUser()
		if err != nil {
			errs = presented(apierror.From(err))
		}
	}
	if errs == nil {
		s.watch(ctx, h)
		errs = h.emitEvents(ctx, r, params, s)
	}
	cause := context.Cause(ctx)
	cancel(nil)
	s.watching.Wait() // nothing may write after this function
	s.finish(cause, errs)
}

func (h *Handler) emitEvents(ctx context.Context, r *http.Request, params *graphql.RawParams, s *eventStream) gqlerror.List {
	op, errs := h.prepare(ctx, params)
	if errs != nil {
		return errs
	}
	if op.kind() == ast.Mutation && r.Method == http.MethodGet {
		op.end()
		return badRequest("mutations need POST")
	}
	return op.emit(func(r *graphql.Response) error { return s.next(encode(r, true)) })
}

// eventStream writes events, one at a time.
type eventStream struct {
	mu       sync.Mutex
	w        http.ResponseWriter
	cancel   context.CancelCauseFunc
	watching sync.WaitGroup
}

func (s *eventStream) begin() {
	s.w.Header().Set("Content-Type", mediaEvents+"; charset=utf-8")
	s.w.Header().Set("X-Accel-Buffering", "no")
	s.w.WriteHeader(http.StatusOK)
	_ = s.write([]byte(":\n\n"))
}

// watch ends the stream with the session or with the server, and keeps it alive until then.
func (s *eventStream) watch(ctx context.Context, h *Handler) {
	ended := h.host.SessionEnded(ctx)
	s.watching.Go(func() {
		alive := time.NewTicker(h.cfg.KeepAlive)
		defer alive.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-h.stop:
				s.cancel(errStopping)
				return
			case over := <-ended:
				s.cancel(ending(over))
				return
			case <-alive.C:
				_ = s.write([]byte(":\n\n"))
			}
		}
	})
}

// finish says how the stream ended. A client that is to come back hears nothing: what did not complete is connected to again.
func (s *eventStream) finish(cause error, errs gqlerror.List) {
	if errors.Is(cause, errStopping) || errors.Is(cause, errSessionChanged) {
		return
	}
	if errors.Is(cause, errSessionOver) {
		errs = presented(apierror.New(apierror.Unauthenticated, "the session ended"))
	}
	if errs != nil {
		_ = s.next(encode(&graphql.Response{Errors: errs}, false))
	}
	_ = s.event("complete", nil)
}

func (s *eventStream) next(data []byte) error { return s.event("next", data) }

func (s *eventStream) event(name string, data []byte) error {
	event := append([]byte("event: "+name+"\ndata: "), data...)
	return s.write(append(event, "\n\n"...))
}

// write ends the stream when the client is gone, or does not take what is written in time.
func (s *eventStream) write(event []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.w.Write(event)
	if err != nil {
		s.cancel(err)
	}
	return err
}
