package reservation

import (
	"time"

	"ticketing/internal/money"
)

// Command is one of the commands below.
type Command interface{ isCommand() }

// LongestReason is the limit of the reason of a Cancel, in characters.
const LongestReason = 500

type (
	// Initiate makes a reservation of seats that the inventory has reserved.
	Initiate struct {
		EventID         string
		CustomerID      string
		Seats           []Seat
		Total           money.Money
		PaymentAttempts int
		Hold            time.Duration
		TimeZone        string // the event's
	}

	// RequestPayment sends a payment to the gateway. The first one extends the hold by Hold.
	RequestPayment struct {
		PaymentID string
		Hold      time.Duration
	}

	// FailPayment ends a payment attempt. An outage of the gateway uses up no attempt; the last declined attempt compensates the
	// reservation.
	FailPayment struct {
		PaymentID string
		Outage    bool
		Reason    string
	}

	// Complete turns the reserved seats into tickets. PaymentID is empty if there was nothing to pay.
	Complete struct{ PaymentID string }

	// Cancel ends an unpaid reservation. GivenUp is the payment, if any, that was cancelled at the gateway first: any other payment in
	// progress has to end before the reservation can.
	Cancel struct {
		Reason  string
		GivenUp string
	}

	// Expire ends a reservation whose hold is over. GivenUp is as in Cancel.
	Expire struct{ GivenUp string }

	// ReturnTickets voids single tickets of a completed reservation that a refund of its payment was for. Ordinals are as in Ticket.
	ReturnTickets struct {
		PaymentID string
		RefundID  string
		Ordinals  []int
	}

	// Refund ends a completed reservation whose payment was given back in full.
	Refund struct{ PaymentID string }
)

func (Initiate) isCommand()       {}
func (RequestPayment) isCommand() {}
func (FailPayment) isCommand()    {}
func (Complete) isCommand()       {}
func (Cancel) isCommand()         {}
func (Expire) isCommand()         {}
func (ReturnTickets) isCommand()  {}
func (Refund) isCommand()         {}
