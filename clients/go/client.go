// Package ticketing is a client of the API: the operations of package api over HTTP, and subscriptions over server-sent events.
//
//	guest, _, err := ticketing.New(ticketing.Config{URL: "https://tickets.example.com/graphql"}).StartGuest(ctx)
//	…
//	reserved, err := api.ReserveSeats(ctx, guest, api.ReserveSeatsInput{EventId: id, Items: items})
//
// A Client gives each mutation an idempotency key, and sends what fails for a passing reason again, so that the server acts once. It sends the
// newest consistency token, so that it reads what it has changed. Refusals are an *Error or UserErrors.
package ticketing

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/Khan/genqlient/graphql"
)

const (
	defaultPatience = 30 * time.Second
	requestTimeout  = 40 * time.Second // more than the server takes for an operation
	largestResponse = 16 << 20         // a page of a hundred reservations has less than 1 MiB
)

// Config is what a Client needs.
type Config struct {
	// URL is the API's address, with its path. Required.
	URL string
	// Patience bounds the retries of one operation; below zero there are none. Default: 30s.
	Patience time.Duration
	// Name is what the server counts the client as. Default: ticketing-go.
	Name string
	// HTTP sends the requests. Default: a client of its own, which keeps up to 256 idle connections.
	HTTP *http.Client
	// Observe is called after each response. Default: nothing.
	Observe func(operation string, took time.Duration)
}

func (c Config) withDefaults() Config {
	if c.Patience == 0 {
		c.Patience = defaultPatience
	}
	if c.Name == "" {
		c.Name = "ticketing-go"
	}
	if c.HTTP == nil {
		c.HTTP = &http.Client{Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			MaxIdleConnsPerHost: 256, // the default of 2 would open a connection for almost every request of a crowd
			IdleConnTimeout:     time.Minute,
		}}
	}
	if c.Observe == nil {
		c.Observe = func(string, time.Duration) {}
	}
	return c
}

// Client acts as one user. It is safe for concurrent use.
type Client struct {
	config  Config
	session string
	newest  *newestToken
}

// New returns a client without a session.
func New(config Config) *Client {
	return &Client{config: config.withDefaults(), newest: new(newestToken)}
}

// WithToken returns a client of a session, "" for none. It shares connections with c, and sees what c has changed so far.
func (c *Client) WithToken(token string) *Client {
	return &Client{config: c.config, session: token, newest: &newestToken{token: c.newest.get()}}
}

// Token returns the session's token, "" without a session.
func (c *Client) Token() string { return c.session }

// Operation is a document with its variables. Name is for Observe and for errors.
type Operation struct {
	Name      string
	Document  string
	Variables any
}

// MakeRequest executes an operation of package api.
func (c *Client) MakeRequest(ctx context.Context, req *graphql.Request, resp *graphql.Response) error {
	variables, err := withoutNulls(req.Variables)
	if err != nil {
		return fmt.Errorf("encode %s: %w", req.OpName, err)
	}
	return c.Execute(ctx, Operation{Name: req.OpName, Document: req.Query, Variables: variables}, resp.Data)
}

// Execute decodes an operation's data into result, and retries for as long as Config.Patience.
func (c *Client) Execute(ctx context.Context, op Operation, result any) error {
	call, err := newCall(op)
	if err != nil {
		return err
	}
	deadline := time.Now().Add(c.config.Patience)
	for attempt := 0; ; attempt++ {
		err = c.send(ctx, call, result)
		pause := pauseAfter(err, attempt)
		if pause == 0 || time.Now().Add(pause).After(deadline) || !sleep(ctx, pause) {
			return err
		}
	}
}

// ExecuteOnce is Execute without retries.
func (c *Client) ExecuteOnce(ctx context.Context, op Operation, result any) error {
	call, err := newCall(op)
	if err != nil {
		return err
	}
	return c.send(ctx, call, result)
}

// call is an operation as it is sent, with the same key each time.
type call struct {
	name           string
	body           []byte
	idempotencyKey string // "" for a query, and if the operation has a key of its own
}

func newCall(op Operation) (call, error) {
	body, err := json.Marshal(map[string]any{"query": op.Document, "variables": op.Variables})
	if err != nil {
		return call{}, fmt.Errorf("encode %s: %w", op.Name, err)
	}
	made := call{name: op.Name, body: body}
	hasKey := strings.Contains(op.Document, "idempotencyKey") || bytes.Contains(body, []byte(`"idempotencyKey":"`))
	if !hasKey && strings.HasPrefix(strings.TrimSpace(op.Document), "mutation") {
		made.idempotencyKey = rand.Text()
	}
	return made, nil
}

func (c *Client) send(ctx context.Context, call call, result any) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	began := time.Now()
	resp, err := c.post(ctx, call, "application/graphql-response+json")
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, largestResponse))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoResponse, err)
	}
	c.config.Observe(call.name, time.Since(began))
	c.newest.replace(resp.Header.Get(consistencyHeader))
	err = decodeResponse(call.name, body, result)
	if errors.Is(err, errForeign) && resp.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("%w: HTTP %d", ErrNoResponse, resp.StatusCode) // of a proxy
	}
	return err
}

func (c *Client) post(ctx context.Context, call call, accept string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.config.URL, bytes.NewReader(call.body))
	if err != nil {
		return nil, fmt.Errorf("send %s: %w", call.name, err)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Accept": accept, "Idempotency-Key": call.idempotencyKey,
		"Apollographql-Client-Name": c.config.Name, consistencyHeader: c.newest.get(),
	} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if c.session != "" {
		req.Header.Set("Authorization", "Bearer "+c.session)
	}
	resp, err := c.config.HTTP.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoResponse, err)
	}
	return resp, nil
}

// sleep reports false if ctx ended before.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
