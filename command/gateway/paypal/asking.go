package paypal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sony/gobreaker/v2"

	"ticketing/command/gateway"
)

const (
	askTimeout  = 10 * time.Second // PayPal sends a webhook again when it waits longer for us than three times that
	asksAtOnce  = 16
	askFailures = 5                // in a row, until nothing is asked any more
	askPause    = 30 * time.Second // and for how long
)

// asking bounds what webhooks make us ask of PayPal: anybody can send one, and it is for PayPal to say whether it is genuine. It has a
// breaker of its own, so that strangers cannot open that of payments, and counts only what PayPal did not answer.
type asking struct {
	breaker *gobreaker.CircuitBreaker[struct{}]
	slots   chan struct{}
}

// errAskerLeft marks an error that came after the asker had gone: it says nothing about PayPal.
var errAskerLeft = errors.New("the asker has gone")

func newAsking() asking {
	return asking{slots: make(chan struct{}, asksAtOnce), breaker: gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Name: Name + " webhooks", MaxRequests: 1, Timeout: askPause,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= askFailures },
		IsSuccessful: func(err error) bool {
			refused, ok := errors.AsType[*refusal](err)
			return err == nil || ok && (refused.isAboutContent() || refused.status == http.StatusNotFound)
		},
		IsExcluded: func(err error) bool { return errors.Is(err, errAskerLeft) },
	})}
}

// ask makes a call; its error is gateway.ErrUnavailable while the breaker is open and when too many others are at it.
func (a asking) ask(ctx context.Context, c *client, r request, to any) error {
	within, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	case <-within.Done():
		return fmt.Errorf("paypal: %s: %w: too much is asked at once", r.what, gateway.ErrUnavailable)
	}
	_, err := a.breaker.Execute(func() (struct{}, error) {
		_, err := c.call(within, r, to)
		if err != nil && ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", errAskerLeft, err)
		}
		return struct{}{}, err
	})
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		err = fmt.Errorf("paypal: %s: %w: %w", r.what, gateway.ErrUnavailable, err)
	}
	return err
}
