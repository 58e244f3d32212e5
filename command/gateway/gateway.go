// Package gateway defines the payment gateways that take and give back money. Every call may be repeated safely: it has an idempotency key
// of its own (payment id and step, or refund id), and Lookup returns the state of a payment at any later time.
package gateway

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"ticketing/internal/money"
)

// Gateway takes and gives back money. An ErrUnavailable means that the call certainly changed nothing; after any other error the outcome
// of the call is unknown. A decline is not an error but a Result with payment.OutcomeFailed.
type Gateway interface {
	// Name is "stripe", "paypal" or "sandbox".
	Name() string
	// CheckAmount returns why an amount can never be charged (its currency, a smallest amount), as organizers read it; nil if it may be.
	CheckAmount(m money.Money) error
	// Create makes the payment at the gateway without charging anything.
	Create(ctx context.Context, p Payment) (Result, error)
	// Confirm charges, or returns what the customer has to do first. It is called again after the customer did it.
	Confirm(ctx context.Context, p Payment) (Result, error)
	// Lookup returns the state of the payment; with an empty TransactionID it finds it by Payment.ID. ErrUnknownPayment: it was never created.
	Lookup(ctx context.Context, p Payment) (Result, error)
	// Cancel makes sure that the payment is never charged, or returns that it has been (OutcomeSucceeded). ErrUnknownPayment: it was
	// never created, and a later Create or Confirm of it returns OutcomeFailed with payment.Abandoned.
	Cancel(ctx context.Context, p Payment) (Result, error)
	// Refund gives back a part or all.
	Refund(ctx context.Context, r Refund) (RefundResult, error)
	// Reversals returns what was taken back of a charged payment: refunds, also those made in the gateway's dashboard, and disputes.
	Reversals(ctx context.Context, p Payment) ([]Reversal, error)
}

// Payment describes a payment to a gateway. It never contains a card number.
type Payment struct {
	ID            string // ours, "pay_…"
	TransactionID string // the gateway's; empty until it is known
	ReservationID string
	Amount        money.Money
	CardToken     string // a gateway token such as "pm_card_visa"; only with Create and Confirm
	ReturnURL     string // where the customer returns after approving, if the method has such a page
	CancelURL     string
}

// Refund describes a refund to a gateway.
type Refund struct {
	ID            string // ours, "rfd_…"
	Attempt       int    // rises when a refund that the gateway refused for good is requested anew
	TransactionID string
	Amount        money.Money
}

// Key returns the idempotency key of the refund's attempt, which is also the id that the gateway keeps with it.
func (r Refund) Key() string {
	if r.Attempt == 0 {
		return r.ID
	}
	return r.ID + "/" + strconv.Itoa(r.Attempt)
}

// ParseRefundKey returns what a Key was made of. It is not checked whether the id is one of ours.
func ParseRefundKey(key string) (id string, attempt int) {
	id, number, _ := strings.Cut(key, "/")
	attempt, _ = strconv.Atoi(number) // 0 without one
	return id, attempt
}

// ReversalStatus is the state of a reversal.
type ReversalStatus string

// The states of a reversal.
const (
	ReversalPending ReversalStatus = "pending" // a dispute: open, the money is held back meanwhile
	ReversalDone    ReversalStatus = "done"    // the money is gone
	ReversalFailed  ReversalStatus = "failed"  // a dispute: won, the money is back
)

// Reversal is a refund or a dispute at the gateway.
type Reversal struct {
	ID       string // the gateway's
	RefundID string // ours, "rfd_…"; empty for a refund that was not requested here
	Attempt  int    // of the refund
	Dispute  bool
	Amount   money.Money
	Status   ReversalStatus
	Reason   string
}

// Notice is the content of a webhook: something happened to a payment. It is only a hint, after which the gateway is asked.
type Notice struct {
	EventID       string // the gateway's; the same notice may arrive again
	Type          string
	PaymentID     string // ours, if the webhook has it
	TransactionID string // the gateway's
	Reversal      bool   // it is about a refund or a dispute
}

var (
	// ErrNotGenuine means that a webhook was not sent by the gateway, or too long ago.
	ErrNotGenuine = errors.New("the webhook is not the gateway's")
	// ErrUnavailable means that the gateway could not be reached and certainly did nothing.
	ErrUnavailable = errors.New("the payment gateway is unavailable")
	// ErrRefused means that the gateway works and refused what one request asks for: a currency, an amount, a balance that is too low.
	// Other requests may well succeed, so it is not a failure of the gateway.
	ErrRefused = errors.New("the payment gateway refused the request")
	// ErrUnknownPayment means that there is no such payment at the gateway.
	ErrUnknownPayment = errors.New("there is no such payment at the gateway")
)

// IsAboutRequest reports whether an HTTP status refuses what one request asks for. Other statuses say that the gateway accepts nothing
// from this sender, or nothing at this moment.
func IsAboutRequest(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	}
	return status >= http.StatusBadRequest && status < http.StatusInternalServerError
}
