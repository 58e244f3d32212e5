package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/stripe/stripe-go/v79"

	"ticketing/command/gateway"
)

// How often a request is sent again that Stripe did not look at because another one of the same key, or for the same object, was at work.
// The first pause is this long, each further one twice as long.
const (
	mostBusy   = 7
	busyPause  = 100 * time.Millisecond
	replayName = "Idempotent-Replayed"
)

// callStripe sends one request. The library's own retries are off: after them the last error would say nothing about the tries before it, and
// whether certainly nothing was changed is all that matters.
func callStripe[T any](ctx context.Context, what string, send func(ctx context.Context) (T, error)) (T, error) {
	pause := busyPause
	for try := 1; ; try++ {
		var written atomic.Int32
		value, err := send(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { written.Add(1) }}))
		if err == nil {
			return value, nil
		}
		f := newFailure(what, err, int(written.Load()))
		if !f.isBusy() || try == mostBusy {
			return value, f
		}
		select {
		case <-ctx.Done():
			return value, f
		case <-time.After(pause):
		}
		pause *= 2
	}
}

// failure is why a call has no result. Its text has nothing of Stripe's message and objects: those repeat what was sent, and hold client
// secrets. The request's id leads to them in Stripe's dashboard.
type failure struct {
	what    string
	status  int           // of the answer; 0: there was none
	stripe  *stripe.Error // the answer, if it could be read
	cause   error         // why there was no answer
	written int           // how often the request was sent: HTTP clients send again when a connection was just closed
}

func newFailure(what string, err error, written int) *failure {
	f := &failure{what: what, written: written}
	if answer, ok := errors.AsType[*stripe.Error](err); ok {
		f.stripe, f.status = answer, answer.HTTPStatusCode
		return f
	}
	f.cause = errors.New("the answer could not be read")
	if lost, ok := errors.AsType[*url.Error](err); ok {
		f.cause = lost.Err
	}
	return f
}

// Error implements error.
func (f *failure) Error() string {
	if f.stripe == nil {
		return fmt.Sprintf("stripe: %s: %v", f.what, f.cause)
	}
	return fmt.Sprintf("stripe: %s: %d %s %s %s %s (request %s)",
		f.what, f.status, f.stripe.Type, f.stripe.Code, f.stripe.DeclineCode, f.stripe.Param, f.stripe.RequestID)
}

// Unwrap makes the failure gateway.ErrUnavailable when the call certainly changed nothing: it was never sent, or refused unseen. After a
// timeout, a lost connection or a fault of Stripe's own that is not certain.
func (f *failure) Unwrap() []error {
	var errs []error
	if f.cause != nil {
		errs = append(errs, f.cause)
	}
	unseen := f.written == 0 && f.stripe == nil
	turnedAway := f.written == 1 && f.stripe != nil && f.status < http.StatusInternalServerError && f.stripe.Type != stripe.ErrorTypeIdempotency &&
		f.status != http.StatusConflict && f.status != http.StatusPaymentRequired
	if unseen || turnedAway {
		errs = append(errs, gateway.ErrUnavailable)
	}
	return errs
}

// isBusy says that another request was in the way of this one, which was therefore not looked at.
func (f *failure) isBusy() bool {
	return f.stripe != nil && (f.status == http.StatusConflict || f.stripe.Code == stripe.ErrorCodeLockTimeout)
}

// refusalOf answers the failure when Stripe understood the request and said no: to this request, not to this process or at this moment.
func refusalOf(err error) *failure {
	f, ok := errors.AsType[*failure](err)
	if !ok || f.stripe == nil || f.stripe.Type == stripe.ErrorTypeIdempotency {
		return nil
	}
	switch f.status {
	case http.StatusBadRequest, http.StatusPaymentRequired, http.StatusNotFound:
		return f
	}
	return nil
}

// isKeptFailure says that Stripe failed at the first such request, which it goes on repeating to everybody who sends its key.
func isKeptFailure(err error) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && f.stripe != nil && f.status >= http.StatusInternalServerError && isReplayed(f.stripe.LastResponse)
}

// isReplayed says that Stripe repeats what it answered the first time.
func isReplayed(response *stripe.APIResponse) bool {
	return response != nil && response.Header.Get(replayName) == "true"
}
