package transport //nolint:contextcheck // the request carries its context

import (
	"context"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// serveOperation answers one operation over HTTP: with a JSON document, or with a stream of events.
func (h *Handler) serveOperation(w *boundedWriter, r *http.Request) {
	media := negotiate(r.Header.Get("Accept"))
	if media == "" {
		writeRequestErrors(w, mediaJSON, http.StatusNotAcceptable,
			badRequest("the answer is application/json, application/graphql-response+json or text/event-stream"))
		return
	}
	params, wrong := h.readParams(w, r)
	if wrong != nil {
		answerAs := media
		if media == mediaEvents {
			answerAs = mediaJSON
		}
		writeRequestErrors(w, answerAs, wrong.status, badRequest(wrong.message))
		return
	}
	w.readingIsOver()
	if media == mediaEvents {
		h.serveEvents(w, r, params)
		return
	}
	h.serveDocument(w, r, media, params)
}

func (h *Handler) serveDocument(w http.ResponseWriter, r *http.Request, media string, params *graphql.RawParams) {
	ctx, errs := h.signIn(r)
	if errs != nil {
		writeRequestErrors(w, media, statusOf(media, errs), errs)
		return
	}
	op, errs := h.prepare(ctx, params)
	if errs != nil {
		writeRequestErrors(w, media, statusOf(media, errs), errs)
		return
	}
	defer op.end()
	switch kind := op.kind(); {
	case kind == ast.Subscription:
		writeRequestErrors(w, media, http.StatusBadRequest, badRequest("subscriptions need text/event-stream or a WebSocket"))
	case kind == ast.Mutation && r.Method == http.MethodGet:
		w.Header().Set("Allow", "POST")
		writeRequestErrors(w, media, http.StatusMethodNotAllowed, badRequest("mutations need POST"))
	default:
		if answer := op.first(); answer != nil { // a client that has left gets none
			writeBody(w, media, http.StatusOK, encode(answer, true))
		}
	}
}

// signIn answers the request's context with whoever it comes from.
func (h *Handler) signIn(r *http.Request) (context.Context, gqlerror.List) {
	ctx := withRemoteSpan(r)
	c, err := h.credentials(r)
	if err == nil {
		ctx, err = h.host.SignIn(ctx, c)
	}
	if err != nil {
		return ctx, h.host.Executor(ctx).DispatchError(withoutOperation(ctx), gqlerror.List{gqlerror.Wrap(err)}).Errors
	}
	return ctx, nil
}

// withoutOperation lets errors be presented that belong to no operation.
func withoutOperation(ctx context.Context) context.Context {
	return graphql.WithOperationContext(ctx, &graphql.OperationContext{})
}
