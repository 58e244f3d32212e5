package stripe_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ticketing/command/gateway"
	"ticketing/command/gateway/stripe"
	"ticketing/internal/id"
	"ticketing/internal/money"
	"ticketing/internal/process"
	"ticketing/internal/services"
	"ticketing/internal/testenv"
)

// TestStripeKnowsTheShapeOfEveryRequest sends each kind of request to stripe-mock, which checks them against Stripe's own description of its
// API. It keeps no state, so its responses do not matter.
func TestStripeKnowsTheShapeOfEveryRequest(t *testing.T) {
	base, requests := startMock(t)
	g := stripe.New(stripe.Config{APIKey: "sk_test_123", APIBase: base})
	p := gateway.Payment{
		ID: id.New(id.Payment), ReservationID: id.New(id.Reservation), Amount: money.Money{Minor: 2500, Currency: "EUR"}, TransactionID: "pi_123",
	}
	ctx := t.Context()
	_, _ = g.Create(ctx, p)
	for _, p.CardToken = range []string{"pm_card_visa", "tok_visa", ""} {
		_, _ = g.Confirm(ctx, p)
	}
	_, _ = g.Lookup(ctx, p)
	_, _ = g.Cancel(ctx, p)
	_, _ = g.Refund(ctx, gateway.Refund{ID: id.New(id.Refund), TransactionID: p.TransactionID, Amount: p.Amount})
	_, _ = g.Reversals(ctx, p)
	sent := requests()
	for _, kind := range []string{
		"POST /v1/payment_intents", "GET /v1/payment_intents/pi_123", "POST /v1/payment_intents/pi_123/confirm",
		"GET /v1/refunds", "POST /v1/refunds", "GET /v1/disputes",
	} {
		require.True(t, sent[kind], kind)
	}
}

// startMock starts stripe-mock and returns its address, and a function that returns the kinds of requests that were sent. A request that
// it refuses fails the test.
func startMock(t *testing.T) (base string, requests func() map[string]bool) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a server: not with -short")
	}
	tool, err := exec.Command("../../../scripts/tool", "stripe-mock").Output()
	require.NoError(t, err, "build stripe-mock")
	port, err := services.FreePort()
	require.NoError(t, err)
	log, err := os.Create(filepath.Join(t.TempDir(), "stripe-mock.log"))
	require.NoError(t, err)
	address := fmt.Sprintf("127.0.0.1:%d", port)
	mock, err := process.Start(process.Spec{Path: strings.TrimSpace(string(tool)), Args: []string{"-http-addr", address}, Stdout: log, Stderr: log})
	require.NoError(t, err)
	t.Cleanup(func() { _ = mock.Kill() })
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		response, err := http.Get("http://" + address + "/v1")
		if err != nil {
			return false, err.Error()
		}
		_ = response.Body.Close()
		return true, ""
	})

	var mu sync.Mutex
	sent := map[string]bool{}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})
	proxy.ModifyResponse = func(r *http.Response) error {
		mu.Lock()
		defer mu.Unlock()
		sent[r.Request.Method+" "+r.Request.URL.Path] = true
		assert.Equal(t, http.StatusOK, r.StatusCode, "%s %s", r.Request.Method, r.Request.URL)
		return nil
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		leaveOutToken(t, r)
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(web.Close)
	return web.URL, func() map[string]bool {
		mu.Lock()
		defer mu.Unlock()
		return sent
	}
}

// leaveOutToken removes a token as the card of a new payment method: Stripe's API takes it, but its description lacks it.
func leaveOutToken(t *testing.T, r *http.Request) {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	assert.NoError(t, err)
	form, err := url.ParseQuery(string(body))
	assert.NoError(t, err)
	if form.Get("payment_method_data[card][token]") != "" && form.Get("payment_method_data[type]") == "card" {
		form.Del("payment_method_data[card][token]")
		form.Del("payment_method_data[type]")
	}
	changed := form.Encode()
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(changed)), int64(len(changed))
}
