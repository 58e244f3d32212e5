// Package paypaltest is PayPal for tests: an HTTP server that keeps orders, captures, refunds and disputes as PayPal does, as far as this
// project calls it. It is as strict as PayPal: it refuses a wrong client, a stale token, a POST without an idempotency key, an amount with
// decimals that its currency does not have, and a capture that was not approved or does not match the order's intent. A key that is used
// again gets the object as it is now. What the customer does on PayPal's page is a method, and a page for tests with a browser.
//
// It cannot prove that PayPal behaves like that.
package paypaltest

import (
	"crypto/rand"
	"net/http"
	"strings"
	"testing"

	"ticketing/command/gateway/gatewaytest"
)

// The account's application. The secret may appear in no log.
const (
	ClientID     = "paypal-double-client"
	ClientSecret = "paypal-double-secret-of-the-account"
)

// Server is the account at PayPal. Its lock guards the state.
type Server struct {
	*gatewaytest.Server

	token      string
	granted    int // tokens
	orders     map[string]*order
	keys       map[string]string // order or refund by idempotency key
	refunds    map[string]*refund
	disputes   map[string][]dispute // by capture
	signingKey []byte               // of webhooks
}

// Fault is what goes wrong with one request.
type Fault = gatewaytest.Fault

type (
	call     = gatewaytest.Call
	response = gatewaytest.Response
	object   = map[string]any
)

// New starts a server that ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{
		orders: map[string]*order{}, keys: map[string]string{}, refunds: map[string]*refund{}, disputes: map[string][]dispute{},
		signingKey: []byte(rand.Text()),
	}
	s.Server = gatewaytest.Start(t, gatewaytest.Config{
		KeyHeader: "PayPal-Request-Id", Handle: s.handleCall, Sign: s.Sign,
		Fail: func(_ call, f Fault) response { return refuse(f.Status, f.Code) },
	})
	return s
}

// Tokens returns how many access tokens were granted.
func (s *Server) Tokens() int {
	s.Lock()
	defer s.Unlock()
	return s.granted
}

// ExpireToken makes the access token stale before its time.
func (s *Server) ExpireToken() {
	s.Lock()
	defer s.Unlock()
	s.token = "stale"
}

// ForgetKeys drops all idempotency keys, as PayPal does after some hours.
func (s *Server) ForgetKeys() {
	s.Lock()
	defer s.Unlock()
	clear(s.keys)
}

// refuse returns an error as PayPal writes it.
func refuse(status int, issue string) response {
	return response{Status: status, Body: object{
		"name": http.StatusText(status), "message": "no", "debug_id": "double", "details": []map[string]string{{"issue": issue}},
	}}
}

func refuseContent(issue string) response { return refuse(http.StatusUnprocessableEntity, issue) }

func succeed(body any) response { return response{Status: http.StatusOK, Body: body} }

func create(body any) response { return response{Status: http.StatusCreated, Body: body} }

func (s *Server) handleCall(r *http.Request, c call) response {
	if c.Path == approvalPage {
		return s.showApproval(c)
	}
	if c.Path == "/v1/oauth2/token" {
		return s.grantToken(r)
	}
	if s.token == "" || r.Header.Get("Authorization") != "Bearer "+s.token {
		return refuse(http.StatusUnauthorized, "INVALID_TOKEN")
	}
	if c.Path == "/v1/notifications/verify-webhook-signature" {
		return s.verifyWebhook(r)
	}
	if c.Method == http.MethodPost && c.Key == "" {
		return refuse(http.StatusBadRequest, "PAYPAL_REQUEST_ID_REQUIRED")
	}
	parts := strings.Split(strings.TrimPrefix(c.Path, "/"), "/")
	switch {
	case c.Path == "/v2/checkout/orders" && c.Method == http.MethodPost:
		return s.createOrder(r, c.Key)
	case strings.HasPrefix(c.Path, "/v2/checkout/orders/") && len(parts) >= 4:
		return s.routeOrder(r, c.Key, parts[3:])
	case strings.HasPrefix(c.Path, "/v2/payments/captures/") && len(parts) == 4:
		return s.showCapture(parts[3])
	case strings.HasPrefix(c.Path, "/v2/payments/captures/") && len(parts) == 5 && parts[4] == "refund":
		return s.createRefund(r, c.Key, parts[3])
	case strings.HasPrefix(c.Path, "/v1/customer/disputes"):
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
	return succeed(object{"access_token": s.token, "token_type": "Bearer", "expires_in": 32400})
}
