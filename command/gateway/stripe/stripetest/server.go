// Package stripetest is Stripe for tests: an HTTP server that keeps PaymentIntents, refunds and disputes as Stripe does, as far as this
// project calls it. It is as strict as Stripe: it refuses a wrong key, another API version, a POST without an idempotency key, and an
// idempotency key that is used again with other parameters. A key that is used again with the same ones gets the first answer again.
// What customers, banks and users of Stripe's dashboard do is a method.
//
// It cannot prove that Stripe behaves like that: stripe-mock checks the shape of the requests, and the conformance suite runs against
// Stripe's test mode when there is a key for it.
package stripetest

import (
	"crypto/rand"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v79"

	"ticketing/command/gateway/gatewaytest"
)

// The secrets of the account. Neither may appear in a log.
const (
	APIKey        = "sk_test_doubleDoubleToilAndTrouble"
	WebhookSecret = "whsec_doubleFireBurnAndCauldronBubble"
)

// Server is the account at Stripe. Its lock guards the state.
type Server struct {
	*gatewaytest.Server

	intents  map[string]*intent
	order    []string // ids of intents, oldest first
	refunds  []*refund
	disputes []*dispute
	kept     map[string]keptResponse // by idempotency key
}

// Fault is what goes wrong with one request.
type Fault = gatewaytest.Fault

type (
	call     = gatewaytest.Call
	response = gatewaytest.Response
	object   = map[string]any
)

// keptResponse is the response to the first request with an idempotency key.
type keptResponse struct {
	request string
	response
}

// New starts a server that ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{intents: map[string]*intent{}, kept: map[string]keptResponse{}}
	s.Server = gatewaytest.Start(t, gatewaytest.Config{
		KeyHeader: "Idempotency-Key", Handle: s.handleCall, Fail: s.failCall,
		Sign: func(body []byte) http.Header { return signatureHeader(Sign(body, time.Now())) },
	})
	return s
}

// handleCall does what a request asks, or repeats the answer that its idempotency key got before.
func (s *Server) handleCall(r *http.Request, c call) response {
	if wrong := checkHeaders(r, c); wrong.Status != 0 {
		return wrong
	}
	if c.Method == http.MethodGet {
		return s.route(c)
	}
	kept, known := s.kept[c.Key]
	if !known {
		kept = keptResponse{parametersOf(c), s.route(c)}
		s.kept[c.Key] = kept
	}
	if kept.request != parametersOf(c) {
		return refuse(http.StatusBadRequest, "idempotency_error", "", "", "Keys for idempotent requests can only be used with the same parameters")
	}
	if known {
		kept.Header = http.Header{"Idempotent-Replayed": {"true"}}
	}
	return kept.response
}

func (s *Server) failCall(c call, f Fault) response {
	kind := "invalid_request_error"
	if f.Status >= http.StatusInternalServerError {
		kind = "api_error"
	}
	r := refuse(f.Status, kind, f.Code, "", "the test makes this request fail")
	if f.Kept {
		s.kept[c.Key] = keptResponse{parametersOf(c), r}
	}
	return r
}

// parametersOf returns what must be the same when a key is used again.
func parametersOf(c call) string { return c.Path + "?" + c.Form.Encode() }

func checkHeaders(r *http.Request, c call) response {
	switch {
	case r.Header.Get("Authorization") != "Bearer "+APIKey:
		return refuse(http.StatusUnauthorized, "invalid_request_error", "", "", "Invalid API Key provided: "+r.Header.Get("Authorization"))
	case r.Header.Get("Stripe-Version") != stripe.APIVersion:
		return refuseInvalid("", "", "the double speaks "+stripe.APIVersion)
	case r.Method == http.MethodPost && c.Key == "":
		return refuseInvalid("", "", "the double requires an Idempotency-Key")
	}
	return response{}
}

func (s *Server) route(c call) response {
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
		return s.withIntent(c.Form.Get("payment_intent"), func(i *intent) response { return listOf(s.refundsOf(i)) })
	case what == "GET disputes" && len(path) == 1:
		return s.withIntent(c.Form.Get("payment_intent"), func(i *intent) response { return listOf(s.disputesOf(i)) })
	}
	return refuse(http.StatusNotFound, "invalid_request_error", "", "", "Unrecognized request URL")
}

func succeed(body any) response { return response{Status: http.StatusOK, Body: body} }

func listOf(data []object) response {
	return succeed(object{"object": "list", "has_more": false, "data": data})
}

// refuse returns an error as Stripe writes it.
func refuse(status int, kind, code, param, message string) response {
	return response{Status: status, Body: object{"error": object{"type": kind, "code": code, "param": param, "message": message}}}
}

func refuseInvalid(code, param, message string) response {
	return refuse(http.StatusBadRequest, "invalid_request_error", code, param, message)
}

func refuseUnknown(param, message string) response {
	return refuse(http.StatusNotFound, "invalid_request_error", "resource_missing", param, message)
}

func newID(prefix string) string { return prefix + "_" + rand.Text() }
