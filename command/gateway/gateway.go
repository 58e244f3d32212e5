// Package gateway is the border to those who move the money. A gateway is told everything twice safely: each call has an idempotency
// key of its own (payment id and step, or refund id), and whoever comes later can always ask it what became of a payment.
package gateway

import (
	"context"
	"errors"

	"ticketing/command/payment"
	"ticketing/internal/money"
)

// Gateway takes and gives back money. Its errors are ErrUnavailable (the call certainly changed nothing) or anything else: what
// became of the call is not known. A decline is no error but a Result with payment.OutcomeFailed.
type Gateway interface {
	// Name is "stripe", "paypal" or "sandbox".
	Name() string
	// Create makes the payment at the gateway without charging anything.
	Create(ctx context.Context, p Payment) (Result, error)
	// Confirm charges, or says what the customer has to do first. It is called again after the customer did it.
	Confirm(ctx context.Context, p Payment) (Result, error)
	// Lookup answers how the payment stands; with an empty TransactionID it finds it by Payment.ID. ErrUnknownPayment: it was never created.
	Lookup(ctx context.Context, p Payment) (Result, error)
	// Cancel makes sure that the payment is never charged, or answers that it has been (OutcomeSucceeded). ErrUnknownPayment: it was
	// never created, and a later Create or Confirm of it answers OutcomeFailed with payment.Abandoned.
	Cancel(ctx context.Context, p Payment) (Result, error)
	// Refund gives back a part or all.
	Refund(ctx context.Context, r Refund) (RefundResult, error)
	// Reversals answers what was taken back of a charged payment, also by somebody at the gateway itself: refunds, which its dashboard can
	// make, and disputes.
	Reversals(ctx context.Context, p Payment) ([]Reversal, error)
}

// Payment is what a gateway is told of a payment. No card number is ever among it.
type Payment struct {
	ID            string // ours, "pay_…"
	TransactionID string // the gateway's, once it is known
	ReservationID string
	Amount        money.Money
	CardToken     string // a gateway token such as "pm_card_visa"; only with Create and Confirm
	ReturnURL     string // where the customer comes back to after approving, if the method has such a page
	CancelURL     string
}

// Result is what a gateway says of a payment.
type Result struct {
	TransactionID string
	Outcome       payment.Outcome
	Code          payment.FailureCode // with OutcomeFailed
	Reason        string              // with OutcomeFailed; safe to show to the customer
	NextAction    *NextAction         // with OutcomeRequiresAction
}

// NextAction is what the customer has to do: one of the two is set. It is not stored: the client secret is a secret.
type NextAction struct {
	ClientSecret string
	RedirectURL  string
}

// Refund is what a gateway is told of a refund.
type Refund struct {
	ID            string // ours, "rfd_…": the idempotency key
	TransactionID string
	Amount        money.Money
}

// RefundResult is what a gateway says of a refund.
type RefundResult struct {
	Pending bool // it will tell later
	Failed  bool // refused for good
	Reason  string
}

// ReversalStatus is where a reversal stands.
type ReversalStatus string

// The states of a reversal.
const (
	ReversalPending ReversalStatus = "pending" // a dispute: open, the money is held back meanwhile
	ReversalDone    ReversalStatus = "done"    // the money is gone
	ReversalFailed  ReversalStatus = "failed"  // a dispute: won, the money came back
)

// Reversal is a refund or a dispute as the gateway has it.
type Reversal struct {
	ID       string // the gateway's own
	RefundID string // ours, "rfd_…"; empty for what nobody asked for here
	Dispute  bool
	Amount   money.Money
	Status   ReversalStatus
	Reason   string
}

// Notice is what a gateway's webhook says: that something happened to a payment. It is no more than a hint, after which the gateway is asked.
type Notice struct {
	EventID       string // the gateway's own; the same notice may come again
	Type          string
	PaymentID     string // ours, where the gateway has it at hand
	TransactionID string // the gateway's
	Reversal      bool   // it is about a refund or a dispute
}

var (
	// ErrNotGenuine says that a webhook was not sent by the gateway, or too long ago.
	ErrNotGenuine = errors.New("the webhook is not the gateway's")
	// ErrUnavailable says that the gateway could not be reached and certainly did nothing.
	ErrUnavailable = errors.New("the payment gateway is unavailable")
	// ErrUnknownPayment says that there is no such payment at the gateway.
	ErrUnknownPayment = errors.New("there is no such payment at the gateway")
)
