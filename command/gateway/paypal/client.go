package paypal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"ticketing/command/gateway"
)

const (
	// mostBody is how much of an answer is read.
	mostBody = 1 << 20
	// How often a request is sent again because another one of the same key was at work. The first pause is this long, each further one
	// twice as long.
	mostBusy  = 7
	busyPause = 100 * time.Millisecond
	// tokenMargin is how long before its end an access token is not used any more.
	tokenMargin = time.Minute
)

// client speaks to PayPal's API, with an access token that all calls share.
type client struct {
	config Config
	http   *http.Client
	token  atomic.Pointer[token]
	asking chan struct{} // held by who asks for a new token: the others wait
}

type token struct {
	text  string
	until time.Time
}

func newClient(c Config) *client {
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one
	transport.MaxIdleConnsPerHost = 64                           // many calls at a time go to one host
	c.APIBase = strings.TrimSuffix(c.APIBase, "/")
	return &client{config: c, http: &http.Client{Transport: transport}, asking: make(chan struct{}, 1)}
}

// request is one call of the API.
type request struct {
	what   string // for errors
	method string
	path   string
	key    string // the idempotency key of a POST
	body   any
}

// call sends a request, reads the answer into to unless that is nil, and answers its status. Errors: *refusal when PayPal said no;
// gateway.ErrUnavailable when certainly nothing was changed.
func (c *client) call(ctx context.Context, r request, to any) (status int, err error) {
	pause := busyPause
	for try := 1; ; try++ {
		status, err = c.callAuthorized(ctx, r, to)
		refused, ok := errors.AsType[*refusal](err)
		if !ok || refused.status != http.StatusConflict || try == mostBusy {
			return status, err
		}
		select {
		case <-ctx.Done():
			return status, err
		case <-time.After(pause):
		}
		pause *= 2
	}
}

// callAuthorized sends a request once more when the token was not good any more.
func (c *client) callAuthorized(ctx context.Context, r request, to any) (status int, err error) {
	for range 2 {
		access, err := c.accessToken(ctx)
		if err != nil {
			return 0, fmt.Errorf("paypal: %s: %w", r.what, err)
		}
		status, err := c.sendOnce(ctx, r, "Bearer "+access.text, to)
		if refused, ok := errors.AsType[*refusal](err); !ok || refused.status != http.StatusUnauthorized {
			return status, err
		}
		c.token.CompareAndSwap(access, nil)
	}
	return 0, fmt.Errorf("paypal: %s: %w: the access token is refused", r.what, gateway.ErrUnavailable)
}

// accessToken answers a token that is good for a while. Whatever goes wrong here, nothing was changed.
func (c *client) accessToken(ctx context.Context) (*token, error) {
	if t := c.token.Load(); t.isFresh() {
		return t, nil
	}
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", gateway.ErrUnavailable, ctx.Err())
	case c.asking <- struct{}{}:
		defer func() { <-c.asking }()
	}
	if t := c.token.Load(); t.isFresh() { // somebody else has asked
		return t, nil
	}
	var granted struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
	}
	_, err := c.sendOnce(ctx, request{
		what: "ask for an access token", method: http.MethodPost, path: "/v1/oauth2/token", body: url.Values{"grant_type": {"client_credentials"}},
	}, "", &granted)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", gateway.ErrUnavailable, err)
	}
	t := &token{text: granted.AccessToken, until: time.Now().Add(time.Duration(granted.ExpiresIn) * time.Second)}
	c.token.Store(t)
	return t, nil
}

func (t *token) isFresh() bool { return t != nil && time.Until(t.until) > tokenMargin }

// sendOnce sends a request once.
func (c *client) sendOnce(ctx context.Context, r request, authorization string, to any) (status int, err error) {
	var written atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { written.Store(true) }})
	asked, err := c.newRequest(ctx, r, authorization)
	if err != nil {
		return 0, fmt.Errorf("paypal: %s: %w", r.what, err)
	}
	answer, err := c.http.Do(asked)
	if err != nil {
		if lost, ok := errors.AsType[*url.Error](err); ok {
			err = lost.Err
		}
		if !written.Load() {
			err = fmt.Errorf("%w: %w", gateway.ErrUnavailable, err)
		}
		return 0, fmt.Errorf("paypal: %s: %w", r.what, err)
	}
	defer answer.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(io.LimitReader(answer.Body, mostBody))
	if err != nil {
		return answer.StatusCode, fmt.Errorf("paypal: %s: read the answer: %w", r.what, err)
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		return answer.StatusCode, newRefusal(r.what, answer, body)
	}
	if to == nil {
		return answer.StatusCode, nil
	}
	if err := json.Unmarshal(body, to); err != nil {
		return answer.StatusCode, fmt.Errorf("paypal: %s: the answer can't be read", r.what) // the error would quote it
	}
	return answer.StatusCode, nil
}

func (c *client) newRequest(ctx context.Context, r request, authorization string) (*http.Request, error) {
	var content []byte
	contentType := "application/json"
	switch body := r.body.(type) {
	case nil:
	case []byte: // JSON already
		content = body
	case url.Values:
		content, contentType = []byte(body.Encode()), "application/x-www-form-urlencoded"
	default:
		var err error
		if content, err = json.Marshal(body); err != nil {
			return nil, fmt.Errorf("encode the request: %w", err)
		}
	}
	asked, err := http.NewRequestWithContext(ctx, r.method, c.config.APIBase+r.path, bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	asked.Header.Set("Content-Type", contentType)
	asked.Header.Set("Prefer", "return=representation")
	if r.key != "" {
		asked.Header.Set("PayPal-Request-Id", r.key)
	}
	if authorization == "" {
		asked.SetBasicAuth(c.config.ClientID, c.config.ClientSecret)
	} else {
		asked.Header.Set("Authorization", authorization)
	}
	return asked, nil
}

// refusal is PayPal's no. Its text has nothing of what was sent; the debug id leads to it in PayPal's own logs.
type refusal struct {
	what    string
	status  int
	name    string
	issues  []string
	debugID string
}

func newRefusal(what string, answer *http.Response, body []byte) *refusal {
	var said struct {
		Name    string `json:"name"`
		DebugID string `json:"debug_id"`
		Details []struct {
			Issue string `json:"issue"`
		} `json:"details"`
	}
	_ = json.Unmarshal(body, &said) // what can't be read says nothing
	r := &refusal{what: what, status: answer.StatusCode, name: said.Name, debugID: said.DebugID}
	for _, d := range said.Details {
		r.issues = append(r.issues, d.Issue)
	}
	return r
}

// Error implements error.
func (r *refusal) Error() string {
	return fmt.Sprintf("paypal: %s: %d %s %v (debug id %s)", r.what, r.status, r.name, r.issues, r.debugID)
}

// Unwrap makes it gateway.ErrUnavailable when PayPal turned the request away unseen. After a fault of its own that is not certain.
func (r *refusal) Unwrap() error {
	if r.status < http.StatusInternalServerError && r.status != http.StatusConflict {
		return gateway.ErrUnavailable
	}
	return nil
}

// hasIssue says whether it is for one of these reasons.
func (r *refusal) hasIssue(issues ...string) bool {
	return slices.ContainsFunc(r.issues, func(issue string) bool { return slices.Contains(issues, issue) })
}

// isAboutContent says whether it is for what was sent, which would be refused however often it is sent.
func (r *refusal) isAboutContent() bool {
	return r.status == http.StatusBadRequest || r.status == http.StatusUnprocessableEntity || r.status == http.StatusRequestEntityTooLarge
}
