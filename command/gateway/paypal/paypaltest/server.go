// Package paypaltest is PayPal for tests: an HTTP server that keeps orders, captures, refunds and disputes as PayPal does, as far as this
// project calls it. It is strict where PayPal is: a wrong client, a stale token, a POST without an idempotency key, an amount with decimals
// that its currency has not, and a capture that was not approved or does not match the order's intent are refused; a key that comes again is
// answered with the object as it is now. What happens to an order is also told by webhook. It can be told to lose answers and to fail; what the customer does on PayPal's page is a method
// of it. What it cannot prove is that PayPal is like that.
package paypaltest

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// The account's application. The secret may turn up in no log.
const (
	ClientID     = "paypal-double-client"
	ClientSecret = "paypal-double-secret-of-the-account"
)

// Server is the account at PayPal.
type Server struct {
	URL string

	mu       sync.Mutex
	token    string
	granted  int // tokens
	orders   map[string]*order
	keys     map[string]string // order or refund by idempotency key
	refunds  map[string]*refund
	disputes map[string][]dispute // by capture
	faults   []Fault
	calls    []string

	signingKey []byte // of webhooks
	events     []Event
	hook       string // where events are sent by themselves
	sending    sync.WaitGroup
}

// Fault is what goes wrong with one request.
type Fault struct {
	On         string // "METHOD /path" ends so or holds it: "POST /v1/oauth2/token", "/capture"
	Status     int    // answered at once, and nothing done
	Code       string // with Status
	LoseAnswer bool   // it is done, and the connection ends

	done   chan struct{}
	answer chan struct{} // the answer waits for it
}

// New starts a server that ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{
		orders: map[string]*order{}, keys: map[string]string{}, refunds: map[string]*refund{}, disputes: map[string][]dispute{},
		signingKey: []byte(rand.Text()),
	}
	web := httptest.NewServer(s)
	s.URL = web.URL
	t.Cleanup(func() { web.Close(); s.sending.Wait() })
	return s
}

// Inject has the next request that it is meant for go wrong so.
func (s *Server) Inject(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
}

// HoldAnswer has the next such request be done and its answer wait. done is closed when it is done; release sends the answer.
func (s *Server) HoldAnswer(on string) (done <-chan struct{}, release func()) {
	f := Fault{On: on, done: make(chan struct{}), answer: make(chan struct{})}
	s.Inject(f)
	return f.done, func() { close(f.answer) }
}

// Tokens answers how many access tokens were granted.
func (s *Server) Tokens() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.granted
}

// ExpireToken makes the access token stale before its time.
func (s *Server) ExpireToken() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = "stale"
}

// Calls answers the requests that came in, as "METHOD /path".
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.calls...)
}

type response struct {
	status int
	body   any
}

// refuse is PayPal's no.
func refuse(status int, issue string) response {
	return response{status, map[string]any{
		"name": http.StatusText(status), "message": "no", "debug_id": "double", "details": []map[string]string{{"issue": issue}},
	}}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.calls = append(s.calls, r.Method+" "+r.URL.Path)
	fault := s.fault(r)
	answer := refuse(fault.Status, fault.Code)
	if fault.Status == 0 {
		answer = s.route(r)
	}
	content, err := json.Marshal(answer.body) // while nobody changes it
	s.mu.Unlock()
	if err != nil {
		panic(err)
	}
	if fault.answer != nil {
		close(fault.done)
		select {
		case <-fault.answer:
		case <-r.Context().Done():
		}
	}
	if fault.LoseAnswer {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(answer.status)
	if answer.body != nil {
		_, _ = w.Write(content)
	}
}

// fault takes the first one that is meant for the request.
func (s *Server) fault(r *http.Request) Fault {
	for i, f := range s.faults {
		if strings.Contains(r.Method+" "+r.URL.Path, f.On) {
			s.faults = append(s.faults[:i], s.faults[i+1:]...)
			return f
		}
	}
	return Fault{}
}

func (s *Server) route(r *http.Request) response {
	if r.URL.Path == "/v1/oauth2/token" {
		return s.grantToken(r)
	}
	if s.token == "" || r.Header.Get("Authorization") != "Bearer "+s.token {
		return refuse(http.StatusUnauthorized, "INVALID_TOKEN")
	}
	if r.URL.Path == "/v1/notifications/verify-webhook-signature" {
		return s.verifyWebhook(r)
	}
	key := r.Header.Get("PayPal-Request-Id")
	if r.Method == http.MethodPost && key == "" {
		return refuse(http.StatusBadRequest, "PAYPAL_REQUEST_ID_REQUIRED")
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case r.URL.Path == "/v2/checkout/orders" && r.Method == http.MethodPost:
		return s.createOrder(r, key)
	case strings.HasPrefix(r.URL.Path, "/v2/checkout/orders/") && len(parts) >= 4:
		return s.routeOrder(r, key, parts[3:])
	case strings.HasPrefix(r.URL.Path, "/v2/payments/captures/") && len(parts) == 4:
		return s.showCapture(parts[3])
	case strings.HasPrefix(r.URL.Path, "/v2/payments/captures/") && len(parts) == 5 && parts[4] == "refund":
		return s.createRefund(r, key, parts[3])
	case strings.HasPrefix(r.URL.Path, "/v1/customer/disputes"):
		return s.showDisputes(r)
	}
	return refuse(http.StatusNotFound, "RESOURCE_NOT_FOUND")
}

func (s *Server) grantToken(r *http.Request) response {
	id, secret, ok := r.BasicAuth()
	if !ok || id != ClientID || secret != ClientSecret || r.FormValue("grant_type") != "client_credentials" {
		return refuse(http.StatusUnauthorized, "INVALID_CLIENT")
	}
	s.token = rand.Text()
	s.granted++
	return response{http.StatusOK, map[string]any{"access_token": s.token, "token_type": "Bearer", "expires_in": 32400}}
}

// ForgetKeys is the time passing after which PayPal keeps no idempotency keys.
func (s *Server) ForgetKeys() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.keys)
}
