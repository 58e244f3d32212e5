// Package gatewaytest is what the doubles of payment gateways share: an HTTP server whose requests a test can make fail, wait or lose the
// response, and webhooks that are kept and delivered. What a gateway does with a request is in its own double.
package gatewaytest

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"testing"
)

// Config is what makes a Server the double of one gateway. Handle and Fail are called under the server's lock.
type Config struct {
	KeyHeader string                                 // The header with the idempotency key. Required.
	Handle    func(r *http.Request, c Call) Response // Does what a request asks. Required.
	Fail      func(c Call, f Fault) Response         // Returns the error that a Fault with a Status asks for. Required.
	Sign      func(body []byte) http.Header          // Returns the headers of a webhook. Required.
}

// Server is an account at a gateway. Its lock guards the state of the double that embeds it, too.
type Server struct {
	sync.Mutex

	URL string

	config     Config
	faults     []Fault
	wentWrong  int // calls that met one
	down       bool
	calls      []Call
	events     []Event
	hook       string // where events are delivered; empty: they are only kept
	test       testing.TB
	deliveries sync.WaitGroup
}

// Call is a request that arrived.
type Call struct {
	Method, Path string
	Key          string // the idempotency key
	Form         url.Values
}

// Response is a status and an object, or the text of a page; without a Body it is empty.
type Response struct {
	Status int
	Body   any
	Header http.Header
}

// Start starts a server that ends with the test.
func Start(t testing.TB, c Config) *Server {
	t.Helper()
	s := &Server{config: c, test: t}
	web := httptest.NewServer(s)
	s.URL = web.URL
	t.Cleanup(func() {
		s.Heal()
		web.CloseClientConnections()
		web.Close()
		s.deliveries.Wait()
	})
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	call := Call{Method: r.Method, Path: r.URL.Path, Key: r.Header.Get(s.config.KeyHeader), Form: r.Form}
	fault, down := s.recordCall(call)
	if down {
		hangUp(w, "")
		return
	}
	fault.holdRequest(r.Context())
	response, content := s.handleCall(r, call, fault)
	fault.holdAnswer(r.Context())
	if fault.LoseAnswer {
		hangUp(w, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{") // after an empty answer HTTP clients would send the request again
		return
	}
	w.Header().Set("Content-Type", "application/json")
	maps.Copy(w.Header(), response.Header)
	w.Header().Set("Request-Id", "req_"+rand.Text())
	w.WriteHeader(response.Status)
	_, _ = w.Write(content) //nolint:gosec // a double serves tests, not browsers
}

// recordCall keeps a call and returns the fault that is meant for it.
func (s *Server) recordCall(c Call) (f Fault, down bool) {
	s.Lock()
	defer s.Unlock()
	if s.down {
		return Fault{}, true
	}
	s.calls = append(s.calls, c)
	if i := slices.IndexFunc(s.faults, func(f Fault) bool { return f.isFor(c) }); i >= 0 {
		f = s.faults[i]
		s.faults = slices.Delete(s.faults, i, i+1)
		s.wentWrong++
	}
	return f, false
}

// handleCall encodes the answer under the lock, since it may hold objects that later calls change.
func (s *Server) handleCall(r *http.Request, c Call, f Fault) (response Response, content []byte) {
	s.Lock()
	defer s.Unlock()
	if f.Status != 0 {
		response = s.config.Fail(c, f)
	} else {
		response = s.config.Handle(r, c)
	}
	switch body := response.Body.(type) {
	case nil:
	case string:
		content = []byte(body)
	default:
		content = Encode(body)
	}
	return response, content
}

// Calls returns the requests that arrived, oldest first.
func (s *Server) Calls() []Call {
	s.Lock()
	defer s.Unlock()
	return slices.Clone(s.calls)
}

// Encode returns a double's own object as JSON.
func Encode(object any) []byte {
	content, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	return content
}

// hangUp ends the connection after this much of an answer.
func hangUp(w http.ResponseWriter, said string) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_, _ = conn.Write([]byte(said))
		_ = conn.Close()
	}
}
