// Package breaker keeps calls away from a gateway that fails: after five failures in a row nothing is sent for 30 seconds, then one call
// may try.
package breaker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sony/gobreaker/v2"
)

const (
	failuresToOpen = 5
	openFor        = 30 * time.Second
)

var (
	// ErrOpen means that a call was not sent.
	ErrOpen = errors.New("the circuit breaker is open")
	// errCallerLeft marks an error after the caller gave up: it tells nothing about the gateway.
	errCallerLeft = errors.New("the caller gave up")
)

// State is closed, open or half-open.
type State = gobreaker.State

// Config describes a Breaker.
type Config struct {
	// IsAnswer reports whether an error is an answer of the gateway, which counts as success. Default: no error is.
	IsAnswer func(error) bool
	// OnChange is called when the state changes. Default: nothing is called.
	OnChange func(from, to State)
}

// Breaker counts the failures of one gateway.
type Breaker struct {
	breaker *gobreaker.CircuitBreaker[struct{}]
}

// New returns a closed breaker.
func New(c Config) *Breaker {
	return &Breaker{gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		MaxRequests: 1, Timeout: openFor,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= failuresToOpen },
		IsSuccessful: func(err error) bool { return err == nil || c.IsAnswer != nil && c.IsAnswer(err) },
		IsExcluded:   func(err error) bool { return errors.Is(err, errCallerLeft) },
		OnStateChange: func(_ string, from, to State) {
			if c.OnChange != nil {
				c.OnChange(from, to)
			}
		},
	})}
}

// Call runs send if b allows it, else it returns ErrOpen. A panic counts as a failure; an error after ctx ended does not count.
func Call[T any](ctx context.Context, b *Breaker, send func() (T, error)) (result T, err error) {
	_, err = b.breaker.Execute(func() (_ struct{}, err error) {
		if result, err = send(); err != nil && ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", errCallerLeft, err)
		}
		return struct{}{}, err
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		err = ErrOpen
	}
	return result, err
}
