package transport

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"ticketing/graph/request"
)

// sharedCaching lets caches between clients and the API give one response to all for two seconds, and for some more while they fetch a new one: a
// page that many open at once costs the API next to nothing.
const sharedCaching = "public, max-age=0, s-maxage=2, stale-while-revalidate=10"

// personalHeaders are headers that a response may depend on. No shared cache keeps the response to a request with one of them.
var personalHeaders = []string{"Authorization", "Cookie", "Order-Link", request.ConsistencyHeader, "X-GraphQL-Cost"}

// isCacheable reports whether all may have the response: that of a trusted document, to a request without credentials, without errors.
func isCacheable(r *http.Request, params *operationParams, response *graphql.Response) bool {
	return r.Method == http.MethodGet && params.documentID != "" && len(response.Errors) == 0 && len(params.Extensions) == 0 &&
		!slices.ContainsFunc(personalHeaders, func(name string) bool { return r.Header.Get(name) != "" })
}

// shareResponse sets the headers for caches. It returns true if the client has this response already, and responds so.
func shareResponse(w http.ResponseWriter, r *http.Request, media string, body []byte) bool {
	sum := sha256.Sum256(append([]byte(media), body...))
	tag := `"` + hex.EncodeToString(sum[:16]) + `"`
	header := w.Header()
	header.Set("Cache-Control", sharedCaching)
	header.Set("ETag", tag)
	header.Add("Vary", strings.Join(append([]string{"Accept"}, personalHeaders...), ", "))
	for _, own := range []string{"RateLimit", "RateLimit-Policy"} { // of the client that asked first
		header.Del(own)
	}
	for known := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if strings.TrimPrefix(strings.TrimSpace(known), "W/") == tag {
			w.WriteHeader(http.StatusNotModified)
			return true
		}
	}
	return false
}
