// Package rejection is the error type with which the write side rejects a command.
//
// A rejection is an outcome like an acceptance, not a failure: it is decided under the same lock, is stored with the idempotency key and
// replays, and its code is one of the API's UserErrorCode values.
package rejection

import (
	"errors"
	"fmt"
)

// Code is one of the API's UserErrorCode values.
type Code string

// The codes are those of the UserErrorCode enum of the GraphQL schema, except Forbidden.
const (
	Invalid               Code = "INVALID"
	NotFound              Code = "NOT_FOUND"
	InvalidState          Code = "INVALID_STATE"
	SalesNotOpen          Code = "SALES_NOT_OPEN"
	InsufficientInventory Code = "INSUFFICIENT_INVENTORY"
	SeatUnavailable       Code = "SEAT_UNAVAILABLE"
	LimitExceeded         Code = "LIMIT_EXCEEDED"
	ReservationExpired    Code = "RESERVATION_EXPIRED"
	PaymentDeclined       Code = "PAYMENT_DECLINED"
	PaymentInProgress     Code = "PAYMENT_IN_PROGRESS"
	GatewayUnavailable    Code = "GATEWAY_UNAVAILABLE"
	IdempotencyKeyReused  Code = "IDEMPOTENCY_KEY_REUSED"
	LinkInvalid           Code = "LINK_INVALID"
	// Forbidden becomes a top-level FORBIDDEN error of the API, because the customer cannot act on it. It never replays.
	Forbidden Code = "FORBIDDEN"
)

// Error is a rejection. Field is a path in the mutation's input, such as ["items", "0", "quantity"], or nil if no single field causes
// the rejection.
type Error struct {
	Code    Code     `json:"code"`
	Message string   `json:"message"`
	Field   []string `json:"field,omitempty"`
}

// New returns a rejection that no single input field causes.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// At sets the path of the input field that causes the rejection.
func (e *Error) At(path ...string) *Error {
	e.Field = path
	return e
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("rejected: %s: %s", e.Code, e.Message) }

// As returns the rejection in the chain of err, if there is one.
func As(err error) (*Error, bool) {
	return errors.AsType[*Error](err)
}
