package shop

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
)

// visit is one request of a browser. Operations that it executes share its session.
type visit struct {
	*Shop

	lang    *language
	w       http.ResponseWriter
	r       *http.Request
	session string // the token in the cookie, "" without one
	request string // the X-Request-ID of all operations of the visit
	seen    string // the Consistency-Token of the last change: what follows sees at least that
}

func newVisit(s *Shop, l *language, w http.ResponseWriter, r *http.Request) *visit {
	v := &visit{Shop: s, lang: l, w: w, r: r, request: r.Header.Get("X-Request-ID")}
	if v.request == "" {
		v.request = rand.Text()
	}
	if c, err := r.Cookie(s.cfg.Cookie); err == nil {
		v.session = c.Value
	}
	return v
}

// anonymous returns the visit without its session, for pages that are the same for all.
func (v *visit) anonymous() *visit {
	copied := *v
	copied.session = ""
	return &copied
}

// consistencyHeader is the header of the tokens with which clients read their own writes.
const consistencyHeader = "Consistency-Token"

// vars are the variables of an operation.
type vars map[string]any

// userError is an error that the customer can correct.
type userError struct {
	Code    string
	Message string
	Field   []string
}

// apiError is an error of the API that is not the customer's to correct.
type apiError struct {
	Code       string
	RetryAfter int // seconds, 0 when unknown
}

func (e *apiError) Error() string { return "the API responded " + e.Code }

// execute executes the named operation of a page's document, and decodes its data. A root field with an error makes it fail.
func (v *visit) execute(page, operation string, variables vars, data any) error {
	return v.executeAs(nil, page, operation, variables, data)
}

// executeAs is execute with headers of the operation's own.
func (v *visit) executeAs(header http.Header, page, operation string, variables vars, data any) error {
	body, err := json.Marshal(map[string]any{
		"query": v.pages[pageKey{page, v.lang.Code}].document, "operationName": operation, "variables": variables,
	})
	if err != nil {
		return fmt.Errorf("encode the operation %s: %w", operation, err)
	}
	request, err := http.NewRequestWithContext(v.r.Context(), http.MethodPost, "/graphql", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make the request of %s: %w", operation, err)
	}
	v.fillRequest(request, header)
	response := &recorder{header: http.Header{}}
	v.cfg.API.ServeHTTP(response, request)
	v.keepSession(response.header)
	if token := response.header.Get(consistencyHeader); token != "" {
		v.seen = token
	}
	return response.decode(operation, data)
}

// fillRequest gives the operation what the browser's request has. Where it came from was judged by isOwnForm: a link of another site may
// lead to a page, which changes nothing.
func (v *visit) fillRequest(request *http.Request, header http.Header) {
	request.RemoteAddr, request.Host = v.r.RemoteAddr, v.r.Host
	for _, name := range []string{"User-Agent", "X-Forwarded-For", "Traceparent", "Tracestate"} {
		if values := v.r.Header.Values(name); len(values) > 0 {
			request.Header[name] = values
		}
	}
	for name, values := range header {
		request.Header[name] = values
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Request-ID", v.request)
	request.Header.Set("X-Session", "cookie")
	if v.seen != "" {
		request.Header.Set(consistencyHeader, v.seen)
	}
	if v.session != "" {
		request.AddCookie(&http.Cookie{Name: v.cfg.Cookie, Value: v.session}) //nolint:gosec // of a request, which has no attributes
	}
}

// keepSession passes a new session on to the browser, and uses it for what follows.
func (v *visit) keepSession(header http.Header) {
	for _, c := range (&http.Response{Header: header}).Cookies() {
		http.SetCookie(v.w, c)
		if c.Name == v.cfg.Cookie {
			v.session = c.Value
		}
	}
}

// recorder keeps a response of the API.
type recorder struct {
	header http.Header
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter. The body says all.
func (*recorder) WriteHeader(int) {}

// Write implements http.ResponseWriter.
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }

func (r *recorder) decode(operation string, data any) error {
	var response struct {
		Data   json.RawMessage
		Errors []struct {
			Message    string
			Extensions struct {
				Code              string
				RetryAfterSeconds int
			}
		}
	}
	if err := json.Unmarshal(r.body.Bytes(), &response); err != nil {
		return fmt.Errorf("decode the response to %s: %w", operation, err)
	}
	if len(response.Errors) > 0 {
		first := response.Errors[0]
		return fmt.Errorf("execute %s: %s: %w", operation, first.Message, &apiError{first.Extensions.Code, first.Extensions.RetryAfterSeconds})
	}
	if err := json.Unmarshal(response.Data, data); err != nil {
		return fmt.Errorf("decode the data of %s: %w", operation, err)
	}
	return nil
}

// redirect leads the browser to a page of the visit's language. The browser gets it with GET.
func (v *visit) redirect(path string) {
	v.w.Header().Set("Cache-Control", "no-store")
	http.Redirect(v.w, v.r, v.lang.url(path), http.StatusSeeOther) //nolint:gosec // the path of a page of the shop
}
