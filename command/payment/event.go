// Package payment is the aggregate of one payment of a reservation at a gateway, and of its refunds.
// It is pure: no context, I/O, clock or randomness.
package payment

import (
	"time"

	"ticketing/internal/money"
)

// Category is the first part of the stream's id.
const Category = "payment"

// Stream answers the id of the payment's stream.
func Stream(paymentID string) string { return Category + "-" + paymentID }

// DomainEvent is one of the facts below.
type DomainEvent interface{ isPayment() }

type (
	// PaymentInitiated starts the stream, before the gateway is called.
	PaymentInitiated struct {
		ReservationID string      `json:"reservationId"`
		CustomerID    string      `json:"customerId"`
		EventID       string      `json:"eventId"`
		Amount        money.Money `json:"amount"`
		Gateway       string      `json:"gateway"` // "stripe", "paypal" or "sandbox"
		Method        string      `json:"method"`  // "card" or "paypal"
		CreatedAt     time.Time   `json:"createdAt"`
	}

	// PaymentProcessing says that the payment exists at the gateway and that its outcome is not known. It is appended before
	// the gateway is told to charge, so that whoever comes later can ask the gateway about it.
	PaymentProcessing struct {
		TransactionID string `json:"transactionId"`
	}

	// PaymentActionRequired says that the customer must do something (3-D Secure, an approval page) before it goes on.
	PaymentActionRequired struct {
		TransactionID string `json:"transactionId"`
	}

	// PaymentCompleted says that the gateway has taken the money.
	PaymentCompleted struct {
		TransactionID string    `json:"transactionId"`
		CompletedAt   time.Time `json:"completedAt"`
	}

	// PaymentFailed says that no money was taken and, as things are, none will be. Code tells a decline from an outage.
	PaymentFailed struct {
		Code     FailureCode `json:"code"`
		Reason   string      `json:"reason"` // safe to show to the customer
		FailedAt time.Time   `json:"failedAt"`
	}

	// RefundRequested counts against what can still be refunded from now on.
	RefundRequested struct {
		RefundID    string      `json:"refundId"`
		Amount      money.Money `json:"amount"`
		Cause       RefundCause `json:"cause"`
		Reason      string      `json:"reason,omitempty"` // free text; the cause's explanation unless an organizer gave another
		RequestedAt time.Time   `json:"requestedAt"`
	}

	// PaymentRefunded says that the gateway gave the money of one refund back.
	PaymentRefunded struct {
		RefundID   string      `json:"refundId"`
		Amount     money.Money `json:"amount"`
		RefundedAt time.Time   `json:"refundedAt"`
	}

	// RefundFailed says that the gateway refused one refund for good.
	RefundFailed struct {
		RefundID string    `json:"refundId"`
		Reason   string    `json:"reason"`
		FailedAt time.Time `json:"failedAt"`
	}

	// RefundReported says that money is given back which somebody asked for at the gateway itself, in its dashboard. It is carried out
	// there; PaymentRefunded or RefundFailed follow.
	RefundReported struct {
		RefundID   string      `json:"refundId"`
		Amount     money.Money `json:"amount"`
		ReportedAt time.Time   `json:"reportedAt"`
	}

	// PaymentDisputed says that the customer's bank took the money back until it has decided.
	PaymentDisputed struct {
		DisputeID  string      `json:"disputeId"` // the gateway's own
		Amount     money.Money `json:"amount"`
		Reason     string      `json:"reason,omitempty"` // as the gateway names it
		DisputedAt time.Time   `json:"disputedAt"`
	}

	// DisputeClosed says that the customer's bank has decided: the money came back, or it did not.
	DisputeClosed struct {
		DisputeID string    `json:"disputeId"`
		Won       bool      `json:"won"`
		ClosedAt  time.Time `json:"closedAt"`
	}
)

// FailureCode says why a payment failed.
type FailureCode string

// The failure codes.
const (
	Declined           FailureCode = "declined"            // the customer's bank or the gateway said no
	GatewayUnavailable FailureCode = "gateway_unavailable" // the gateway could not be reached and certainly did not charge
	Abandoned          FailureCode = "abandoned"           // given up, and cancelled at the gateway
)

func (PaymentInitiated) isPayment()      {}
func (PaymentProcessing) isPayment()     {}
func (PaymentActionRequired) isPayment() {}
func (PaymentCompleted) isPayment()      {}
func (PaymentFailed) isPayment()         {}
func (RefundRequested) isPayment()       {}
func (PaymentRefunded) isPayment()       {}
func (RefundFailed) isPayment()          {}
func (RefundReported) isPayment()        {}
func (PaymentDisputed) isPayment()       {}
func (DisputeClosed) isPayment()         {}
