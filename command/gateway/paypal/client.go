package paypal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"ticketing/command/gateway"
	"ticketing/command/gateway/remote"
)

const (
	maxResponse = 1 << 20
	tokenMargin = time.Minute // before an access token expires it is not used any more
)

// client calls PayPal's API with an access token that all calls share.
type client struct {
	config  Config
	http    *http.Client
	token   atomic.Pointer[token]
	renewal chan struct{} // held while a new token is requested
}

type token struct {
	text  string
	until time.Time
}

func newClient(c Config) *client {
	c.APIBase = strings.TrimSuffix(c.APIBase, "/")
	return &client{config: c, http: &http.Client{Transport: remote.NewTransport()}, renewal: make(chan struct{}, 1)}
}

// request is one call of the API.
type request struct {
	what   string // for errors
	method string
	path   string
	key    string // the idempotency key of a POST
	body   any
}

// call sends a request, decodes the response into to unless that is nil, and returns its status. Errors: *refusal if PayPal refused it;
// gateway.ErrUnavailable if it certainly changed nothing.
func (c *client) call(ctx context.Context, r request, to any) (status int, err error) {
	return remote.RetryBusy(ctx, isBusy, func() (int, error) { return c.callAuthorized(ctx, r, to) })
}

// callAuthorized sends a request, and sends it again if the token turned out to be stale.
func (c *client) callAuthorized(ctx context.Context, r request, to any) (status int, err error) {
	for range 2 {
		access, err := c.accessToken(ctx)
		if err != nil {
			return 0, fmt.Errorf("%s at PayPal: %w", r.what, err)
		}
		status, err := c.sendOnce(ctx, r, "Bearer "+access.text, to)
		if !hasStatus(err, http.StatusUnauthorized) {
			return status, err
		}
		c.token.CompareAndSwap(access, nil)
	}
	return 0, fmt.Errorf("%s at PayPal: %w: the access token is refused", r.what, gateway.ErrUnavailable)
}

// accessToken returns a token that does not expire soon. All its errors are gateway.ErrUnavailable.
func (c *client) accessToken(ctx context.Context) (*token, error) {
	if t := c.token.Load(); t.isFresh() {
		return t, nil
	}
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", gateway.ErrUnavailable, ctx.Err())
	case c.renewal <- struct{}{}:
		defer func() { <-c.renewal }()
	}
	if t := c.token.Load(); t.isFresh() { // another call renewed it
		return t, nil
	}
	var granted struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
	}
	_, err := c.sendOnce(ctx, request{
		what: "get an access token", method: http.MethodPost, path: "/v1/oauth2/token", body: url.Values{"grant_type": {"client_credentials"}},
	}, "", &granted)
	if refused, ok := errors.AsType[*refusal](err); ok {
		refused.atLogin = true
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", gateway.ErrUnavailable, err)
	}
	t := &token{text: granted.AccessToken, until: time.Now().Add(time.Duration(granted.ExpiresIn) * time.Second)}
	c.token.Store(t)
	return t, nil
}

func (t *token) isFresh() bool { return t != nil && time.Until(t.until) > tokenMargin }

func (c *client) sendOnce(ctx context.Context, r request, authorization string, to any) (status int, err error) {
	ctx, sends := remote.CountSends(ctx)
	sent, err := c.newRequest(ctx, r, authorization)
	if err != nil {
		return 0, fmt.Errorf("%s at PayPal: %w", r.what, err)
	}
	response, err := c.http.Do(sent)
	if err != nil {
		if lost, ok := errors.AsType[*url.Error](err); ok {
			err = lost.Err
		}
		if sends.Load() == 0 {
			err = fmt.Errorf("%w: %w", gateway.ErrUnavailable, err)
		}
		return 0, fmt.Errorf("%s at PayPal: %w", r.what, err)
	}
	defer response.Body.Close() //nolint:errcheck // it was read
	return response.StatusCode, readResponse(r.what, response, to)
}

func readResponse(what string, response *http.Response, to any) error {
	body, err := io.ReadAll(io.LimitReader(response.Body, maxResponse))
	switch {
	case err != nil:
		return fmt.Errorf("%s at PayPal: read the response: %w", what, err)
	case response.StatusCode >= http.StatusMultipleChoices:
		return newRefusal(what, response.StatusCode, body)
	case to != nil && json.Unmarshal(body, to) != nil:
		return fmt.Errorf("%s at PayPal: the response can't be decoded", what) // json's error would quote it
	}
	return nil
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
	created, err := http.NewRequestWithContext(ctx, r.method, c.config.APIBase+r.path, bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("create the request: %w", err)
	}
	created.Header.Set("Content-Type", contentType)
	created.Header.Set("Prefer", "return=representation")
	if r.key != "" {
		created.Header.Set("PayPal-Request-Id", r.key)
	}
	if authorization == "" {
		created.SetBasicAuth(c.config.ClientID, c.config.ClientSecret)
	} else {
		created.Header.Set("Authorization", authorization)
	}
	return created, nil
}
