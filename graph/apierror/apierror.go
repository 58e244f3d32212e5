// Package apierror is the one boundary between what went wrong inside and what clients are told: GraphQL errors with one of the codes
// below. Whatever is not made here on purpose comes out as INTERNAL, without a detail, and is logged with its correlation id.
package apierror

import (
	"fmt"
	"time"
)

// Code is a value of extensions.code.
type Code string

// The codes. What a customer can mend himself is no error of this package but a userError in the payload.
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
	Unavailable            Code = "UNAVAILABLE"
	Internal               Code = "INTERNAL"
)

// Error is an error that a client may see as it is: Message must hold nothing that is not the client's business.
type Error struct {
	Code       Code
	Message    string
	RetryAfter time.Duration // RATE_LIMITED and UNAVAILABLE: when it may be tried again
	cause      error
}

// New makes an error for clients.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Because keeps what really happened, for the log only.
func (e *Error) Because(cause error) *Error {
	e.cause = cause
	return e
}

// After says when it may be tried again.
func (e *Error) After(d time.Duration) *Error {
	e.RetryAfter = d
	return e
}

// Error implements error.
func (e *Error) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.cause)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Unwrap answers what really happened.
func (e *Error) Unwrap() error { return e.cause }

// retryAfterSeconds answers whole seconds, at least one: a client that waits so long is not refused for the same reason.
func (e *Error) retryAfterSeconds() int {
	return max(1, int((e.RetryAfter+time.Second-1)/time.Second))
}
