package ticketing

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// ErrNoResponse means that the outcome of a request is unknown: the connection failed, or a proxy responded.
var ErrNoResponse = errors.New("no response")

// errForeign means that a response is of some other server.
var errForeign = errors.New("not a GraphQL response")

// Error is a GraphQL error. docs/errors.md has the codes.
type Error struct {
	Code              string
	Message           string
	RetryAfterSeconds int
}

// Error implements error.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// UserError is something that the customer can correct.
type UserError struct {
	Code    string
	Message string
	Field   []string // the path in the input, such as items, 0, quantity
}

// UserErrors are why a mutation was refused. The response may have data beside them: a declined payment has the payment.
type UserErrors []UserError

// Error implements error.
func (e UserErrors) Error() string {
	texts := make([]string, len(e))
	for i, one := range e {
		texts[i] = one.Code + ": " + one.Message
	}
	return strings.Join(texts, "; ")
}

// CodeOf returns the code of an Error or of the first of UserErrors, "" for other errors and nil.
func CodeOf(err error) string {
	if refused, ok := errors.AsType[*Error](err); ok {
		return refused.Code
	}
	if wrong, ok := errors.AsType[UserErrors](err); ok && len(wrong) > 0 {
		return wrong[0].Code
	}
	return ""
}

// passingCodes are of errors that end by themselves.
var passingCodes = []string{"RATE_LIMITED", "UNAVAILABLE", "READ_BEHIND", "GATEWAY_UNAVAILABLE"}

// pauseAfter returns how long to wait before a retry, 0 if a retry would not help. The server knows best.
func pauseAfter(err error, attempt int) time.Duration {
	backoff := min(2*time.Second, 100*time.Millisecond<<min(attempt, 10))
	if slices.Contains(passingCodes, CodeOf(err)) {
		refused, _ := errors.AsType[*Error](err)
		if refused == nil {
			return backoff
		}
		return max(backoff, time.Duration(refused.RetryAfterSeconds)*time.Second)
	}
	if errors.Is(err, ErrNoResponse) {
		return backoff
	}
	return 0
}
