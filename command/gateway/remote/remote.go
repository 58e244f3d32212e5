// Package remote is what gateways that are called by HTTP share.
package remote

import (
	"context"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"ticketing/internal/wait"
)

const (
	connectionsPerGateway = 64 // many calls at a time go to one host
	busyTries             = 7
	firstBusyPause        = 100 * time.Millisecond // each further one is twice as long
)

// NewTransport returns a copy of the default transport for one gateway.
func NewTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // it is one
	t.MaxIdleConnsPerHost = connectionsPerGateway
	return t
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
