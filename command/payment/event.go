// Package payment is the aggregate of one payment of a reservation at a gateway, and of its refunds.
// It is pure: no context, I/O, clock or randomness.
package payment

import (
	"time"

	"ticketing/internal/money"
)

// Category is the first part of the stream's id.
const Category = "payment"

// Stream returns the id of the payment's stream.
func Stream(paymentID string) string { return Category + "-" + paymentID }

// Ticket is a ticket of the reservation that is refunded by itself.
type Ticket struct {
	Ordinal int         `json:"ordinal"` // its place among the seats of the reservation, counted from 0
	Section string      `json:"section"`
	Price   money.Money `json:"price"`
}

// DomainEvent is one of the types below.
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
	// the gateway is asked to take the money, so that the outcome can be looked up after a crash.
	PaymentProcessing struct {
		TransactionID string `json:"transactionId"`
	}

	// PaymentActionRequired says that the customer has to act (3-D Secure, an approval page) before the payment goes on.
	PaymentActionRequired struct {
		TransactionID string `json:"transactionId"`
	}

	// PaymentCompleted says that the gateway has taken the money.
	PaymentCompleted struct {
		TransactionID string    `json:"transactionId"`
		CompletedAt   time.Time `json:"completedAt"`
	}

	// PaymentFailed says that no money was taken. PaymentCompleted may still follow, on proof from the gateway.
	PaymentFailed struct {
		Code     FailureCode `json:"code"`
		Reason   string      `json:"reason"` // safe to show to the customer
		FailedAt time.Time   `json:"failedAt"`
	}

	// RefundRequested reserves an amount for a refund that the saga has the gateway carry out.
	RefundRequested struct {
		RefundID    string      `json:"refundId"`
		Amount      money.Money `json:"amount"`
		Cause       RefundCause `json:"cause"`
		Reason      string      `json:"reason,omitempty"` // free text; by default the cause's explanation
		Tickets     []Ticket    `json:"tickets,omitempty"`
		RequestedAt time.Time   `json:"requestedAt"`
	}

	// PaymentRefunded says that the gateway has given the money of one refund back.
	PaymentRefunded struct {
		RefundID   string      `json:"refundId"`
		Amount     money.Money `json:"amount"`
		Tickets    []Ticket    `json:"tickets,omitempty"` // of the request
		RefundedAt time.Time   `json:"refundedAt"`
	}

	// RefundFailed says that the gateway refused one refund for good.
	RefundFailed struct {
		RefundID string    `json:"refundId"`
		Reason   string    `json:"reason"`
		FailedAt time.Time `json:"failedAt"`
	}

	// RefundSentBack says that the customer's bank sent the money of a refund back, days after the gateway had given it: the payment is
	// paid again by that amount.
	RefundSentBack struct {
		RefundID   string      `json:"refundId"`
		Attempt    int         `json:"attempt,omitempty"` // of the refund that came back
		Amount     money.Money `json:"amount"`
		Reason     string      `json:"reason"`
		Tickets    []Ticket    `json:"tickets,omitempty"` // of the request
		SentBackAt time.Time   `json:"sentBackAt"`
	}

	// RefundRetried says that a refund that the gateway refused, or has not carried out yet, was requested anew.
	RefundRetried struct {
		RefundID  string    `json:"refundId"`
		Attempt   int       `json:"attempt"` // rises when the gateway refused the last one for good
		RetriedAt time.Time `json:"retriedAt"`
	}

	// RefundReported says that a refund was requested at the gateway itself, in its dashboard. The gateway carries it out;
	// PaymentRefunded or RefundFailed follows.
	RefundReported struct {
		RefundID   string      `json:"refundId"`
		Amount     money.Money `json:"amount"`
		ReportedAt time.Time   `json:"reportedAt"`
	}

	// PaymentDisputed says that the customer's bank holds the money until it has decided.
	PaymentDisputed struct {
		DisputeID  string      `json:"disputeId"` // the gateway's own
		Amount     money.Money `json:"amount"`
		Reason     string      `json:"reason,omitempty"` // as the gateway names it
		DisputedAt time.Time   `json:"disputedAt"`
	}

	// DisputeClosed says that the customer's bank has decided. If the dispute is won, the money has come back.
	DisputeClosed struct {
		DisputeID string       `json:"disputeId"`
		Won       bool         `json:"won"`
		Amount    *money.Money `json:"amount,omitempty"` // what was paid out to the customer; absent: the disputed amount, if the dispute is lost
		ClosedAt  time.Time    `json:"closedAt"`
	}
)

// FailureCode says why a payment failed.
type FailureCode string

// The failure codes.
const (
	Declined           FailureCode = "declined"            // by the customer's bank or the gateway
	GatewayUnavailable FailureCode = "gateway_unavailable" // the gateway could not be reached and certainly took no money
	Abandoned          FailureCode = "abandoned"           // cancelled at the gateway by us
)

func (PaymentInitiated) isPayment()      {}
func (PaymentProcessing) isPayment()     {}
func (PaymentActionRequired) isPayment() {}
func (PaymentCompleted) isPayment()      {}
func (PaymentFailed) isPayment()         {}
func (RefundRequested) isPayment()       {}
func (PaymentRefunded) isPayment()       {}
func (RefundFailed) isPayment()          {}
func (RefundSentBack) isPayment()        {}
func (RefundRetried) isPayment()         {}
func (RefundReported) isPayment()        {}
func (PaymentDisputed) isPayment()       {}
func (DisputeClosed) isPayment()         {}
