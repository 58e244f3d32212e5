// Package stripetest is Stripe for tests: an HTTP server that keeps PaymentIntents, refunds and disputes as Stripe does, as far as this
// project calls it. It is strict where Stripe is: a wrong key, another API version, a POST without an idempotency key, or a key that comes
// again with other parameters are refused, and a key that comes again otherwise is answered with what it was answered first. It can be told
// to be slow, to lose answers and to be away; it signs and sends webhooks; and what a person does in Stripe's dashboard, or before the
// bank's page, is a method of it.
//
// What it cannot prove is that Stripe is like that: stripe-mock holds the shape of the requests, and the conformance suite runs against
// Stripe's test mode when there is a key for it.
package stripetest

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v79"
)

// The secrets of the account. Neither may turn up in a log.
const (
	APIKey        = "sk_test_doubleDoubleToilAndTrouble"
	WebhookSecret = "whsec_doubleFireBurnAndCauldronBubble"
)

// Server is the account at Stripe.
type Server struct {
	URL string

	mu       sync.Mutex
	intents  map[string]*intent
	order    []string // of intents, as they were made
	refunds  []*refund
	disputes []*dispute
	answers  map[string]*answer // by idempotency key
	faults   []*Fault
	down     bool
	calls    []Call
	events   []Event
	hook     string // where events are sent by themselves
	sending  sync.WaitGroup
}

// Call is a request that came in.
type Call struct {
	Method, Path string
	Key          string // the idempotency key
	Form         url.Values
}

// request is what must be the same when a key comes again.
func (c Call) request() string { return c.Path + "?" + c.Form.Encode() }

// New starts a server that ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{intents: map[string]*intent{}, answers: map[string]*answer{}}
	web := httptest.NewServer(s)
	s.URL = web.URL
	t.Cleanup(func() {
		s.Heal()
		web.CloseClientConnections()
		web.Close()
		s.sending.Wait()
	})
	return s
}

// response is a status and an object.
type response struct {
	status int
	body   any
}

// answer is what an idempotency key was answered.
type answer struct {
	request string
	response
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		write(w, refuse(http.StatusBadRequest, "invalid_request_error", "", "", err.Error()))
		return
	}
	call := Call{Method: r.Method, Path: r.URL.Path, Key: r.Header.Get("Idempotency-Key"), Form: r.Form}
	fault, down := s.receive(call)
	if down {
		hangUp(w, "")
		return
	}
	fault.before(r.Context())
	if fault != nil && fault.Status != 0 {
		told := refuse(fault.Status, fault.errorType(), fault.Code, "", "it is told to fail")
		if fault.Kept {
			s.keep(call, told)
		}
		write(w, told)
		return
	}
	got, replayed := s.once(r, call)
	fault.after(r.Context())
	if fault != nil && fault.LoseAnswer {
		hangUp(w, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{") // had it said nothing, HTTP clients would send again
		return
	}
	if replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	write(w, got)
}

// receive takes a call down and answers the fault that is meant for it.
func (s *Server) receive(call Call) (*Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, true
	}
	s.calls = append(s.calls, call)
	for i, f := range s.faults {
		if strings.HasPrefix(call.Method+" "+call.Path, f.On) || (f.On != "" && strings.HasSuffix(call.Path, f.On)) {
			s.faults = slices.Delete(s.faults, i, i+1)
			return f, false
		}
	}
	return nil, false
}

// once runs a request, or answers what its idempotency key was answered before.
func (s *Server) once(r *http.Request, call Call) (response, bool) {
	if wrong, ok := checkHeaders(r); !ok {
		return wrong, false
	}
	if call.Method == http.MethodGet {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.route(call), false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, known := s.answers[call.Key]
	if !known {
		kept = &answer{call.request(), s.route(call)}
		s.answers[call.Key] = kept
	}
	if kept.request != call.request() {
		return refuse(http.StatusBadRequest, "idempotency_error", "", "", "Keys for idempotent requests can only be used with the same parameters"), false
	}
	return kept.response, known
}

func (s *Server) keep(call Call, r response) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[call.Key] = &answer{call.request(), r}
}

func checkHeaders(r *http.Request) (response, bool) {
	switch {
	case r.Header.Get("Authorization") != "Bearer "+APIKey:
		return refuse(http.StatusUnauthorized, "invalid_request_error", "", "", "Invalid API Key provided: "+r.Header.Get("Authorization")), false
	case r.Header.Get("Stripe-Version") != stripe.APIVersion:
		return refuse(http.StatusBadRequest, "invalid_request_error", "", "", "the double speaks "+stripe.APIVersion), false
	case r.Method == http.MethodPost && r.Header.Get("Idempotency-Key") == "":
		return refuse(http.StatusBadRequest, "invalid_request_error", "", "", "the double wants an Idempotency-Key"), false
	}
	return response{}, true
}

func (s *Server) route(c Call) response {
	path := strings.Split(strings.TrimPrefix(c.Path, "/v1/"), "/")
	switch what := c.Method + " " + path[0]; {
	case what == "POST payment_intents" && len(path) == 1:
		return s.createIntent(c.Form)
	case what == "GET payment_intents" && len(path) == 2:
		return s.withIntent(path[1], func(i *intent) response { return s.showIntent(i) })
	case what == "POST payment_intents" && len(path) == 3 && path[2] == "confirm":
		return s.withIntent(path[1], func(i *intent) response { return s.confirmIntent(i, c.Form) })
	case what == "POST payment_intents" && len(path) == 3 && path[2] == "cancel":
		return s.withIntent(path[1], func(i *intent) response { return s.cancelIntent(i, c.Form) })
	case what == "POST refunds" && len(path) == 1:
		return s.createRefund(c.Form)
	case what == "GET refunds" && len(path) == 1:
		return s.withIntent(c.Form.Get("payment_intent"), func(i *intent) response { return list(s.refundsOf(i)) })
	case what == "GET disputes" && len(path) == 1:
		return s.withIntent(c.Form.Get("payment_intent"), func(i *intent) response { return list(s.disputesOf(i)) })
	}
	return refuse(http.StatusNotFound, "invalid_request_error", "", "", "Unrecognized request URL")
}

type object = map[string]any

func list[T any](data []T) response {
	return response{http.StatusOK, object{"object": "list", "has_more": false, "data": data}}
}

// refuse is an error as Stripe writes it.
func refuse(status int, kind, code, param, message string) response {
	return response{status, object{"error": object{"type": kind, "code": code, "param": param, "message": message}}}
}

func write(w http.ResponseWriter, r response) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Request-Id", newID("req"))
	w.WriteHeader(r.status)
	_, _ = w.Write(encode(r.body))
}

func encode(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // all of it was made here
	}
	return text
}

// hangUp ends the connection after so much of an answer.
func hangUp(w http.ResponseWriter, said string) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_, _ = conn.Write([]byte(said))
		_ = conn.Close()
	}
}

func newID(prefix string) string { return prefix + "_" + rand.Text() }

// Calls answers what has come in.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

func unixNow() int64 { return time.Now().Unix() }
