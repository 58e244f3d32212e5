package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Client speaks GraphQL over HTTP POST for one person. Copies of it share their connections.
type Client struct {
	url      string
	token    string        // the session's, "" while signed out
	patience time.Duration // how long one operation is tried again before its error is answered
	http     *http.Client
	observe  func(field string, took time.Duration) // told of every answer; may be nil
	waiting  func(why error, d time.Duration)       // told before every pause between two tries; may be nil
}

// usualPatience outlasts the restart of a server.
const usualPatience = 30 * time.Second

// NewClient answers a client of somebody who is signed out.
func NewClient(url string) *Client {
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		MaxIdleConnsPerHost: 256, // by default two are kept: a crowd would dial for almost every request
		IdleConnTimeout:     time.Minute,
	}
	return &Client{url: url, patience: usualPatience, http: &http.Client{Transport: transport, Timeout: 40 * time.Second}}
}

// As answers a copy of the client that acts for whoever a session's token belongs to.
func (c *Client) As(token string) *Client {
	as := *c
	as.token = token
	return &as
}

// Patient answers a copy of the client that tries for as long as that.
func (c *Client) Patient(patience time.Duration) *Client {
	patient := *c
	patient.patience = patience
	return &patient
}

// APIError is a GraphQL error: something that its caller can't mend by other input. See UserError for the rest.
type APIError struct {
	Code              string
	Message           string
	RetryAfterSeconds int
}

// Error implements error.
func (e *APIError) Error() string { return e.Code + ": " + e.Message }

// errNoAnswer covers everything in which it is unknown what became of a request: refused and lost connections, answers of
// proxies.
var errNoAnswer = errors.New("no answer")

// Operation is a document with one operation of one root field.
type Operation struct {
	Field     string
	Document  string
	Variables map[string]any
}

// encode answers what is sent, over HTTP and over WebSocket.
func (op Operation) encode() ([]byte, error) {
	body, err := json.Marshal(map[string]any{"query": op.Document, "variables": op.Variables})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op.Field, err)
	}
	return body, nil
}

// Do runs an operation and decodes the value of its root field. What passes by itself is tried again with the very same
// variables: the idempotency key in a mutation's input has the server do at most once what it is asked twice.
func (c *Client) Do(ctx context.Context, op Operation, into any) error {
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	for attempt := 0; ; attempt++ {
		err := c.once(ctx, op, into)
		pause, passing := pauseAfter(err, attempt)
		end, _ := ctx.Deadline()
		if !passing || ctx.Err() != nil || time.Now().Add(pause).After(end) {
			return err
		}
		if c.waiting != nil {
			c.waiting(cause(err), pause)
		}
		if sleep(ctx, pause) != nil {
			return err
		}
	}
}

// pauseAfter says whether an error may pass by itself, and when to try again. The server knows better than any formula of ours.
func pauseAfter(err error, attempt int) (time.Duration, bool) {
	backoff := min(2*time.Second, 100*time.Millisecond<<min(attempt, 10))
	if refused, ok := errors.AsType[*APIError](err); ok {
		switch refused.Code {
		case "RATE_LIMITED", "UNAVAILABLE", "READ_BEHIND":
			return max(backoff, time.Duration(refused.RetryAfterSeconds)*time.Second), true
		}
		return 0, false
	}
	return backoff, errors.Is(err, errNoAnswer)
}

func (c *Client) once(ctx context.Context, op Operation, into any) error {
	body, err := op.encode()
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: %w", op.Field, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/graphql-response+json, application/json")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	began := time.Now()
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", op.Field, errNoAnswer, err)
	}
	defer func() { _ = resp.Body.Close() }()
	const largest = 16 << 20
	answer, err := io.ReadAll(io.LimitReader(resp.Body, largest))
	if err != nil {
		return fmt.Errorf("%s: %w: %w", op.Field, errNoAnswer, err)
	}
	if c.observe != nil {
		c.observe(op.Field, time.Since(began))
	}
	return decode(op.Field, resp.StatusCode, answer, into)
}

// cause takes away what says where an error happened, which whoever sees it on the panel knows.
func cause(err error) error {
	if lost, ok := errors.AsType[*url.Error](err); ok {
		return lost.Err
	}
	return err
}

// response is what comes back over HTTP, and in each `next` of a subscription.
type response struct {
	Data   map[string]json.RawMessage `json:"data"`
	Errors []graphQLError             `json:"errors"`
}

type graphQLError struct {
	Message    string `json:"message"`
	Extensions struct {
		Code              string `json:"code"`
		RetryAfterSeconds int    `json:"retryAfterSeconds"`
	} `json:"extensions"`
}

func (e graphQLError) apiError() *APIError {
	return &APIError{Code: e.Extensions.Code, Message: e.Message, RetryAfterSeconds: e.Extensions.RetryAfterSeconds}
}

func decode(field string, status int, answer []byte, into any) error {
	var decoded response
	if err := json.Unmarshal(answer, &decoded); err != nil || (decoded.Data == nil && decoded.Errors == nil) {
		if status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout {
			return fmt.Errorf("%s: %w: HTTP %d", field, errNoAnswer, status)
		}
		return fmt.Errorf("%s: HTTP %d without a GraphQL response: %.200q", field, status, answer)
	}
	return decoded.field(field, into)
}

// field decodes a root field. Every document here asks for one, so the first error is the field's.
func (r response) field(name string, into any) error {
	if len(r.Errors) > 0 {
		return r.Errors[0].apiError()
	}
	if err := json.Unmarshal(r.Data[name], into); err != nil {
		return fmt.Errorf("%s: the answer is not as agreed: %w", name, err)
	}
	return nil
}

// sleep waits, and answers an error when ctx ends first.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// codeOf answers the code of a GraphQL error, "" when err is none.
func codeOf(err error) string {
	if refused, ok := errors.AsType[*APIError](err); ok {
		return refused.Code
	}
	return ""
}
