// Package apiclient is a client of our GraphQL API: operations over HTTP, subscriptions over server-sent events, sign-in by magic link. What
// fails for a passing reason is sent again with the same variables: with an idempotency key in them, the server acts once.
package apiclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"ticketing/internal/wait"
)

// Config is what a Client needs.
type Config struct {
	// URL is the API's address, with its path. Required.
	URL string
	// Patience bounds the retries of one operation. Default: no retries.
	Patience time.Duration
	// Observe is called after each response. Default: nothing.
	Observe func(operation string, took time.Duration)
}

func (c Config) withDefaults() Config {
	if c.Observe == nil {
		c.Observe = func(string, time.Duration) {}
	}
	return c
}

// Client acts as one user. It is safe for concurrent use.
type Client struct {
	config Config
	http   *http.Client
	token  string
}

// New returns a client without a session.
func New(config Config) *Client {
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		MaxIdleConnsPerHost: 256, // the default of 2 would open a connection for almost every request of a crowd
		IdleConnTimeout:     time.Minute,
	}
	return &Client{config: config.withDefaults(), http: &http.Client{Transport: transport}}
}

// WithToken returns a client of a session, which shares connections with c.
func (c *Client) WithToken(token string) *Client {
	return &Client{config: c.config, http: c.http, token: token}
}

// Token returns the session's token, "" without a session.
func (c *Client) Token() string { return c.token }

// Operation is a document with its variables. Name is for Observe and for errors.
type Operation struct {
	Name      string
	Document  string
	Variables map[string]any
}

// Error is a refusal: a GraphQL error, or the first of a payload's userErrors.
type Error struct {
	Code              string
	Message           string
	RetryAfterSeconds int
}

// Error implements error.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// ErrNoResponse means that the outcome of a request is unknown: the connection failed, or a proxy responded.
var ErrNoResponse = errors.New("no response")

// CodeOf returns the code of an Error, "" for other errors and nil.
func CodeOf(err error) string {
	if refused, ok := errors.AsType[*Error](err); ok {
		return refused.Code
	}
	return ""
}

// passingCodes are of errors that end by themselves; NOT_FOUND does when the read side learns of a new object.
var passingCodes = []string{"RATE_LIMITED", "UNAVAILABLE", "READ_BEHIND", "GATEWAY_UNAVAILABLE", "NOT_FOUND"}

// pauseAfter returns how long to wait before a retry, 0 if a retry would not help. The server knows best.
func pauseAfter(err error, attempt int) time.Duration {
	backoff := min(2*time.Second, 100*time.Millisecond<<min(attempt, 10))
	refused, ok := errors.AsType[*Error](err)
	switch {
	case ok && slices.Contains(passingCodes, refused.Code):
		return max(backoff, time.Duration(refused.RetryAfterSeconds)*time.Second)
	case errors.Is(err, ErrNoResponse):
		return backoff
	}
	return 0
}

// Execute decodes an operation's data into result, and retries for as long as Config.Patience.
func (c *Client) Execute(ctx context.Context, op Operation, result any) error {
	deadline := time.Now().Add(c.config.Patience)
	for attempt := 0; ; attempt++ {
		err := c.ExecuteOnce(ctx, op, result)
		pause := pauseAfter(err, attempt)
		if pause == 0 || time.Now().Add(pause).After(deadline) {
			return err
		}
		if wait.For(ctx, pause) != nil {
			return err
		}
	}
}

// ExecuteOnce is Execute without retries.
func (c *Client) ExecuteOnce(ctx context.Context, op Operation, result any) error {
	ctx, cancel := context.WithTimeout(ctx, 40*time.Second)
	defer cancel()
	began := time.Now()
	resp, err := c.post(ctx, op, "application/graphql-response+json")
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	const largest = 16 << 20
	body, err := io.ReadAll(io.LimitReader(resp.Body, largest))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoResponse, err)
	}
	c.config.Observe(op.Name, time.Since(began))
	return decodeResponse(op.Name, body, result)
}

func (c *Client) post(ctx context.Context, op Operation, accept string) (*http.Response, error) {
	body, err := json.Marshal(map[string]any{"query": op.Document, "variables": op.Variables})
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", op.Name, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.config.URL, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("send %s: %w", op.Name, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", accept)
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoResponse, err)
	}
	if resp.StatusCode == http.StatusBadGateway || resp.StatusCode == http.StatusGatewayTimeout {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("%w: HTTP %d", ErrNoResponse, resp.StatusCode)
	}
	return resp, nil
}
