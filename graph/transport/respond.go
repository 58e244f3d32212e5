package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"ticketing/graph/apierror"
)

// The media types of answers.
const (
	mediaJSON    = "application/json"
	mediaGraphQL = "application/graphql-response+json"
	mediaEvents  = "text/event-stream"
)

const mostErrors = 50 // of one response

var errPanic = errors.New("panic")

// negotiate answers the media type that the client wants most of those that there are, "" when it wants none of them. Without a wish
// it is application/json, which every client understands.
func negotiate(accept string) string {
	if strings.TrimSpace(accept) == "" {
		return mediaJSON
	}
	best, bestQuality := "", 0.0
	for wish := range strings.SplitSeq(accept, ",") {
		media, quality := parseWish(wish)
		if quality > bestQuality {
			if offered := offer(media); offered != "" {
				best, bestQuality = offered, quality
			}
		}
	}
	return best
}

func parseWish(wish string) (media string, quality float64) {
	media, options, _ := strings.Cut(wish, ";")
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

func offer(media string) string {
	switch media {
	case mediaJSON, mediaGraphQL, mediaEvents:
		return media
	case "*/*", "application/*":
		return mediaJSON
	}
	return ""
}

// statusOf answers the status of a request that was not executed. Under application/json, where a gateway's own errors can't be told
// from GraphQL's by their media type, a well-formed request is answered with 200.
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

// writeRequestErrors answers a request that was not executed: without data.
func writeRequestErrors(w http.ResponseWriter, media string, status int, errs gqlerror.List) {
	if seconds, ok := errs[0].Extensions["retryAfterSeconds"].(int); ok {
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
	}
	writeBody(w, media, status, encode(&graphql.Response{Errors: errs}, false))
}

func writeBody(w http.ResponseWriter, media string, status int, body []byte) {
	w.Header().Set("Content-Type", media+"; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has left if this fails
}

// encode writes a response. Data is JSON already and is not looked at again.
func encode(r *graphql.Response, executed bool) []byte {
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
	b.WriteByte('}')
	return b.Bytes()
}

func encodeErrors(errs gqlerror.List) []byte {
	encoded, err := json.Marshal(errs[:min(len(errs), mostErrors)])
	if err != nil {
		return []byte(`[{"message":"the errors can't be written","extensions":{"code":"INTERNAL"}}]`)
	}
	return encoded
}

func presented(err *apierror.Error) gqlerror.List { return gqlerror.List{err.Present()} }

func badRequest(message string) gqlerror.List {
	return presented(apierror.New(apierror.BadUserInput, "%s", message))
}
