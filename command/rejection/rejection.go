// Package rejection holds the one error type with which the write side says no.
//
// A rejection is a business answer, not a failure: it is decided under the same lock as an acceptance, it is stored with the
// idempotency key and replays, and its code is one of the API's UserErrorCode values.
package rejection

import (
	"errors"
	"fmt"
)

// Code is one of the API's UserErrorCode values.
type Code string

// The codes map one to one to the UserErrorCode enum of the GraphQL schema.
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
	// Forbidden is the one code that is no UserErrorCode: the API turns it into a top-level FORBIDDEN error, because it is
	// not the customer's to mend. It never replays.
	Forbidden Code = "FORBIDDEN"
)

// Error is a business rejection. Field is the path in the mutation's input, such as ["items", "0", "quantity"], or nil when
// no single field is to blame.
type Error struct {
	Code    Code     `json:"code"`
	Message string   `json:"message"`
	Field   []string `json:"field,omitempty"`
}

// New makes a rejection that no single input field is to blame for.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// At names the input field that is to blame, as a path.
func (e *Error) At(path ...string) *Error {
	e.Field = path
	return e
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("rejected: %s: %s", e.Code, e.Message) }

// As finds the rejection in err's chain.
func As(err error) (*Error, bool) {
	return errors.AsType[*Error](err)
}
