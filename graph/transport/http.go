package transport

import (
	"context"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"ticketing/graph/apierror"
)

// readOperation reads what a request asks for, and in which form. Without parameters it has responded.
func (h *Handler) readOperation(w *boundedWriter, r *http.Request) (media string, params *operationParams) {
	media = negotiateMedia(r.Header.Get("Accept"))
	if media == "" {
		writeRequestErrors(w, mediaJSON, http.StatusNotAcceptable,
			badRequest("responses are application/json, application/graphql-response+json or text/event-stream"))
		return media, nil
	}
	params, wrong := h.readParams(w, r)
	if wrong != nil {
		h.metrics.countRefused(string(apierror.BadUserInput))
		errorMedia := media
		if media == mediaEvents {
			errorMedia = mediaJSON
		}
		writeRequestErrors(w, errorMedia, wrong.status, badRequest(wrong.message))
		return media, nil
	}
	w.clearReadDeadline()
	return media, params
}

// serveOperation serves one operation over HTTP: as a JSON document, or as a stream of events.
func (h *Handler) serveOperation(w *boundedWriter, r *http.Request, media string, params *operationParams) {
	if media == mediaEvents {
		h.serveEvents(w, r, params)
		return
	}
	h.serveDocument(w, r, media, params)
}

func (h *Handler) serveDocument(w http.ResponseWriter, r *http.Request, media string, params *operationParams) {
	ctx, errs := h.signIn(r)
	if errs != nil {
		writeRequestErrors(w, media, statusOf(media, errs), errs)
		return
	}
	op, errs := h.prepareOperation(ctx, params)
	if errs != nil {
		writeRequestErrors(w, media, statusOf(media, errs), errs)
		return
	}
	defer op.finish()
	switch kind := op.kind; {
	case kind == ast.Subscription:
		writeRequestErrors(w, media, http.StatusBadRequest, badRequest("subscriptions need text/event-stream or a WebSocket"))
	case kind == ast.Mutation && r.Method == http.MethodGet:
		w.Header().Set("Allow", "POST")
		writeRequestErrors(w, media, http.StatusMethodNotAllowed, badRequest("mutations need POST"))
	default:
		if response := op.firstResponse(); response != nil { // nil when the client has left
			body := encodeResponse(response, true)
			if isCacheable(r, params, response) && shareResponse(w, r, media, body) {
				return // the cache has it
			}
			writeBody(w, media, http.StatusOK, body)
		}
	}
}

// signIn returns the request's context with its viewer.
func (h *Handler) signIn(r *http.Request) (context.Context, gqlerror.List) {
	ctx := withRemoteSpan(r)
	c, err := h.readCredentials(r)
	if err == nil {
		ctx, err = h.host.SignIn(ctx, c)
	}
	if err != nil {
		return ctx, h.host.Executor(ctx).DispatchError(withoutOperation(ctx), gqlerror.List{gqlerror.Wrap(err)}).Errors
	}
	return ctx, nil
}

// withoutOperation returns a context in which errors that belong to no operation can be presented.
func withoutOperation(ctx context.Context) context.Context {
	return graphql.WithOperationContext(ctx, &graphql.OperationContext{})
}
