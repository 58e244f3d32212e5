package paypal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"ticketing/command/gateway"
	"ticketing/command/gateway/breaker"
)

const (
	webhookCallTimeout = 10 * time.Second // PayPal waits 30 s for our response before it sends a webhook again
	maxWebhookCalls    = 16               // at a time
)

// webhookCalls bounds the calls of PayPal that webhooks cause: anyone can send one, and only PayPal can tell whether it is genuine. They have a
// client of their own, so that they wait for no token and no connection of payments, nor payments for theirs. Its circuit breaker is not that of payments, so that forged webhooks cannot stop payments, and counts only calls without an answer.
type webhookCalls struct {
	client  *client
	breaker *breaker.Breaker
	slots   chan struct{}
}

func newWebhookCalls(c *client) webhookCalls {
	return webhookCalls{client: c, slots: make(chan struct{}, maxWebhookCalls), breaker: breaker.New(breaker.Config{
		IsAnswer: func(err error) bool {
			refused, ok := errors.AsType[*refusal](err)
			return ok && (refused.isAboutContent() || refused.status == http.StatusNotFound)
		},
	})}
}

// call sends a request. It returns gateway.ErrUnavailable while the breaker is open and when no slot becomes free in time.
func (w webhookCalls) call(ctx context.Context, r request, to any) error {
	within, cancel := context.WithTimeout(ctx, webhookCallTimeout)
	defer cancel()
	select {
	case w.slots <- struct{}{}:
		defer func() { <-w.slots }()
	case <-within.Done():
		return fmt.Errorf("%s at PayPal: %w: too many webhooks at a time", r.what, gateway.ErrUnavailable)
	}
	_, err := breaker.Call(ctx, w.breaker, func() (int, error) { return w.client.call(within, r, to) })
	if errors.Is(err, breaker.ErrOpen) {
		return fmt.Errorf("%s at PayPal: %w: %w", r.what, gateway.ErrUnavailable, err)
	}
	return err
}
