// Package apierror holds the errors that clients of the API see: GraphQL errors with one of the codes below. An error that is not made
// here on purpose reaches clients as INTERNAL without a detail, and is logged with its correlation id.
package apierror

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"ticketing/internal/telemetry"
)

// Code is a value of extensions.code.
type Code string

// The codes. What a customer can correct is not an error of this package but a userError in the payload.
const (
	Unauthenticated        Code = "UNAUTHENTICATED"
	Forbidden              Code = "FORBIDDEN"
	NotFound               Code = "NOT_FOUND"
	IdempotencyKeyRequired Code = "IDEMPOTENCY_KEY_REQUIRED"
	RateLimited            Code = "RATE_LIMITED"
	ComplexityExceeded     Code = "COMPLEXITY_LIMIT_EXCEEDED"
	BadUserInput           Code = "BAD_USER_INPUT"
	ValidationFailed       Code = "GRAPHQL_VALIDATION_FAILED"
	ParseFailed            Code = "GRAPHQL_PARSE_FAILED"
	ReadBehind             Code = "READ_BEHIND"
	DocumentNotFound       Code = "DOCUMENT_NOT_FOUND"
	DocumentRequired       Code = "DOCUMENT_REQUIRED"
	PersistedNotSupported  Code = "PERSISTED_QUERY_NOT_SUPPORTED"
	Unavailable            Code = "UNAVAILABLE"
	Internal               Code = "INTERNAL"
)

const internalMessage = "something went wrong on our side; requestId helps us to find it"

// Error is an error that clients see as it is: Message must not contain anything internal.
type Error struct {
	Code       Code
	Message    string
	RetryAfter time.Duration // RATE_LIMITED and UNAVAILABLE: when to try again
	cause      error
}

// New returns an error for clients.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// From returns the Error in err's chain, or else an INTERNAL one with err as its cause.
func From(err error) *Error {
	if apiErr, ok := errors.AsType[*Error](err); ok {
		return apiErr
	}
	return New(Internal, internalMessage).Because(err)
}

// Because sets the cause, which is only logged, and returns e.
func (e *Error) Because(cause error) *Error {
	e.cause = cause
	return e
}

// After sets when to try again, and returns e.
func (e *Error) After(d time.Duration) *Error {
	e.RetryAfter = d
	return e
}

// Error implements error. Unlike Message it contains the cause.
func (e *Error) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.cause)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// Present returns the error as a GraphQL error.
func (e *Error) Present() *gqlerror.Error {
	extensions := map[string]any{"code": string(e.Code)}
	if e.RetryAfter > 0 || e.Code == RateLimited || e.Code == Unavailable {
		extensions["retryAfterSeconds"] = e.retryAfterSeconds()
	}
	return &gqlerror.Error{Message: e.Message, Extensions: extensions}
}

// PresentTo returns the error as ctx's client sees it: INTERNAL has the id under which its cause is logged. That is not always the one of the client's
// request: what several clients share is executed and logged once.
func (e *Error) PresentTo(ctx context.Context) *gqlerror.Error {
	presented := e.Present()
	if id := telemetry.CorrelationID(ctx); e.Code == Internal && id != "" {
		presented.Extensions["requestId"] = id
	}
	return presented
}

// retryAfterSeconds rounds up, to at least one second: a client that waits so long is not refused for the same reason.
func (e *Error) retryAfterSeconds() int {
	return max(1, int((e.RetryAfter+time.Second-1)/time.Second))
}
