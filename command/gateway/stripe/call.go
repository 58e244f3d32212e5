package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/stripe/stripe-go/v79"

	"ticketing/command/gateway"
	"ticketing/command/gateway/remote"
)

// callStripe sends one request. The library's own retries are off: its last error would hide whether an earlier try changed something.
func callStripe[T any](ctx context.Context, what string, send func(ctx context.Context) (T, error)) (T, error) {
	return remote.RetryBusy(ctx, isBusy, func() (T, error) {
		traced, sends := remote.CountSends(ctx)
		value, err := send(traced)
		if err != nil {
			return value, newFailure(what, err, int(sends.Load()))
		}
		return value, nil
	})
}

// failure is why a call has no result. Its text contains nothing of Stripe's message and objects, which repeat what was sent and hold
// client secrets. The request's id leads to them in Stripe's dashboard.
type failure struct {
	what   string
	status int           // of the response; 0: there was none
	stripe *stripe.Error // the response, if it could be read
	cause  error         // why there was no response
	sends  int           // how often the request was sent
}

func newFailure(what string, err error, sends int) *failure {
	f := &failure{what: what, sends: sends}
	if response, ok := errors.AsType[*stripe.Error](err); ok {
		f.stripe, f.status = response, response.HTTPStatusCode
		return f
	}
	f.cause = errors.New("the response could not be read")
	if lost, ok := errors.AsType[*url.Error](err); ok {
		f.cause = lost.Err
	}
	return f
}

// Error implements error.
func (f *failure) Error() string {
	if f.stripe == nil {
		return fmt.Sprintf("%s at Stripe: %v", f.what, f.cause)
	}
	return fmt.Sprintf("%s at Stripe: %d %s %s %s %s (request %s)",
		f.what, f.status, f.stripe.Type, f.stripe.Code, f.stripe.DeclineCode, f.stripe.Param, f.stripe.RequestID)
}

// Unwrap makes the failure gateway.ErrUnavailable when the call certainly changed nothing: it was never sent, or rejected before it was
// processed. After a timeout, a lost connection or a fault of Stripe's own that is not certain. It is also gateway.ErrRefused if Stripe
// refused what was asked.
func (f *failure) Unwrap() []error {
	var errs []error
	if f.cause != nil {
		errs = append(errs, f.cause)
	}
	notSent := f.sends == 0 && f.stripe == nil
	turnedAway := f.sends == 1 && f.stripe != nil && f.status < http.StatusInternalServerError && f.stripe.Type != stripe.ErrorTypeIdempotency &&
		f.status != http.StatusConflict && f.status != http.StatusPaymentRequired
	if notSent || turnedAway {
		errs = append(errs, gateway.ErrUnavailable)
	}
	if f.stripe != nil && gateway.IsAboutRequest(f.status) {
		errs = append(errs, gateway.ErrRefused)
	}
	return errs
}

// isBusy reports whether Stripe did not process a request because another one was in progress.
func isBusy(err error) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && f.stripe != nil && (f.status == http.StatusConflict || f.stripe.Code == stripe.ErrorCodeLockTimeout)
}

// refusalOf returns the failure if Stripe refused this request, not only this sender or this moment; else nil.
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

// isKeptFailure reports whether Stripe failed at the first request with this key, and repeats that failure for every later one.
func isKeptFailure(err error) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && f.stripe != nil && f.status >= http.StatusInternalServerError && isReplayed(f.stripe.LastResponse)
}

// isReplayed reports whether Stripe repeats its response to an earlier request with the same key.
func isReplayed(response *stripe.APIResponse) bool {
	return response != nil && response.Header.Get("Idempotent-Replayed") == "true"
}
