package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"ticketing/graph/apierror"
)

// The media types of responses.
const (
	mediaJSON    = "application/json"
	mediaGraphQL = "application/graphql-response+json"
	mediaEvents  = "text/event-stream"
)

const mostErrors = 50 // of one response

var errPanic = errors.New("panic")

// negotiateMedia returns the media type of ours that the client accepts most, "" when it accepts none. Without an Accept header it is
// application/json, which every client understands.
func negotiateMedia(accept string) string {
	if strings.TrimSpace(accept) == "" {
		return mediaJSON
	}
	best, bestQuality := "", 0.0
	for accepted := range strings.SplitSeq(accept, ",") {
		media, quality := parseAccepted(accepted)
		if offered := offerMedia(media); offered != "" && quality > bestQuality {
			best, bestQuality = offered, quality
		}
	}
	return best
}

func parseAccepted(accepted string) (media string, quality float64) {
	media, options, _ := strings.Cut(accepted, ";")
	quality = 1
	for option := range strings.SplitSeq(options, ";") {
		if q, ok := strings.CutPrefix(strings.TrimSpace(option), "q="); ok {
			if parsed, err := strconv.ParseFloat(q, 64); err == nil {
				quality = parsed
			}
		}
	}
	return strings.ToLower(strings.TrimSpace(media)), quality
}

func offerMedia(media string) string {
	switch media {
	case mediaJSON, mediaGraphQL, mediaEvents:
		return media
	case "*/*", "application/*":
		return mediaJSON
	}
	return ""
}

// statusOf returns the HTTP status of a request that was not executed. Under application/json it is 200 for a well-formed request: by media
// type, clients can't tell GraphQL's errors from those of a proxy.
func statusOf(media string, errs gqlerror.List) int {
	if media != mediaGraphQL {
		return http.StatusOK
	}
	switch code, _ := errs[0].Extensions["code"].(string); apierror.Code(code) {
	case apierror.Unauthenticated:
		return http.StatusUnauthorized
	case apierror.Unavailable:
		return http.StatusServiceUnavailable
	case apierror.Internal:
		return http.StatusInternalServerError
	default:
		return http.StatusBadRequest
	}
}

// writeRequestErrors responds to a request that was not executed: without data.
func writeRequestErrors(w http.ResponseWriter, media string, status int, errs gqlerror.List) {
	if seconds, ok := errs[0].Extensions["retryAfterSeconds"].(int); ok {
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
	}
	writeBody(w, media, status, encodeResponse(&graphql.Response{Errors: errs}, false))
}

func writeBody(w http.ResponseWriter, media string, status int, body []byte) {
	w.Header().Set("Content-Type", media+"; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has left if this fails
}

// encodeResponse returns a response as JSON. Its data is JSON already and copied as it is.
func encodeResponse(r *graphql.Response, executed bool) []byte {
	var b bytes.Buffer
	b.Grow(len(r.Data) + 64)
	b.WriteByte('{')
	if len(r.Errors) > 0 {
		b.WriteString(`"errors":`)
		b.Write(encodeErrors(r.Errors))
		if executed {
			b.WriteByte(',')
		}
	}
	if executed {
		b.WriteString(`"data":`)
		if len(r.Data) == 0 {
			b.WriteString("null")
		}
		b.Write(r.Data)
	}
	if len(r.Extensions) > 0 {
		if extensions, err := json.Marshal(r.Extensions); err == nil {
			b.WriteString(`,"extensions":`)
			b.Write(extensions)
		}
	}
	b.WriteByte('}')
	return b.Bytes()
}

func encodeErrors(errs gqlerror.List) []byte {
	encoded, err := json.Marshal(errs[:min(len(errs), mostErrors)])
	if err != nil {
		return []byte(`[{"message":"the errors can't be encoded","extensions":{"code":"INTERNAL"}}]`)
	}
	return encoded
}

// presentPanic returns the error of what a panic has ended.
func presentPanic(ctx context.Context) gqlerror.List {
	return gqlerror.List{apierror.From(errPanic).PresentTo(ctx)}
}

func presentErrors(err *apierror.Error) gqlerror.List { return gqlerror.List{err.Present()} }

func badRequest(message string) gqlerror.List {
	return presentErrors(apierror.New(apierror.BadUserInput, "%s", message))
}
