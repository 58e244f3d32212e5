// Package remote is what gateways that are called by HTTP share.
package remote

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"ticketing/internal/network"
	"ticketing/internal/wait"
)

const (
	connectionsPerGateway = 64 // many calls at a time go to one host
	busyTries             = 7
	firstBusyPause        = 100 * time.Millisecond // each further one is twice as long
)

// A connection that is silently gone ends within silentAfter + pingTimeout: an HTTP/2 connection has all calls, and would be used again
// and again. HTTP/1 has no pings: there, the first call that times out takes the idle connections with it.
const (
	connectTimeout = 5 * time.Second
	silentAfter    = 4 * time.Second // without a frame a ping is sent
	pingTimeout    = 4 * time.Second
)

// Transport sends requests to one gateway.
type Transport struct{ *http.Transport }

// NewTransport returns a transport whose connections are replaced when they are silently gone.
func NewTransport() *Transport {
	t := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one
	t.MaxIdleConnsPerHost = connectionsPerGateway
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: silentAfter, PingTimeout: pingTimeout}
	t.DialContext = func(ctx context.Context, protocol, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, connectTimeout)
		defer cancel()
		return network.Dial(ctx, protocol, address)
	}
	return &Transport{t}
}

// RoundTrip is part of http.RoundTripper. After a call that timed out, the next ones open connections of their own.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.Transport.RoundTrip(r)
	if err != nil && errors.Is(r.Context().Err(), context.DeadlineExceeded) {
		t.CloseIdleConnections()
	}
	return response, err
}

// RetryBusy sends a request again, up to seven times, while isBusy reports that the gateway did not process it because another request
// with the same key, or for the same object, was in progress.
func RetryBusy[T any](ctx context.Context, isBusy func(error) bool, send func() (T, error)) (T, error) {
	pause := firstBusyPause
	for try := 1; ; try++ {
		value, err := send()
		if err == nil || !isBusy(err) || try == busyTries || wait.For(ctx, pause) != nil {
			return value, err
		}
		pause *= 2
	}
}

// CountSends returns a context for one request, and how often it was sent: HTTP clients send again when a connection was just closed.
func CountSends(ctx context.Context) (context.Context, *atomic.Int32) {
	sends := new(atomic.Int32)
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sends.Add(1) }}), sends
}

// AmountError tells the customer why an amount cannot be paid.
type AmountError string

// Error implements error.
func (e AmountError) Error() string { return string(e) }
