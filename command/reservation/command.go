package reservation

import (
	"time"

	"ticketing/internal/money"
)

// Command is one of the commands below.
type Command interface{ isCommand() }

// LongestReason bounds the reason of a Cancel, in characters.
const LongestReason = 500

type (
	// Initiate starts a hold on seats that the inventory has just given.
	Initiate struct {
		EventID         string
		CustomerID      string
		Seats           []Seat
		Total           money.Money
		PaymentAttempts int
		Hold            time.Duration
	}

	// RequestPayment hands the reservation to a gateway and extends the hold, once, by Hold.
	RequestPayment struct {
		PaymentID string
		Hold      time.Duration
	}

	// FailPayment takes the reservation back from the gateway. An outage of the gateway uses up no attempt; the last declined
	// attempt compensates the reservation.
	FailPayment struct {
		PaymentID string
		Outage    bool
		Reason    string
	}

	// Complete makes the hold a sale. PaymentID is empty when there was nothing to pay.
	Complete struct{ PaymentID string }

	// Cancel ends an unpaid hold. GivenUp is the payment that was settled at the gateway for it, if one was there: without that a
	// payment in progress comes first.
	Cancel struct {
		Reason  string
		GivenUp string
	}

	// Expire ends a hold whose time is over. GivenUp is the payment that was cancelled at the gateway for it, if one was there.
	Expire struct{ GivenUp string }

	// Refund ends a completed reservation whose payment was given back in full.
	Refund struct{ PaymentID string }
)

func (Initiate) isCommand()       {}
func (RequestPayment) isCommand() {}
func (FailPayment) isCommand()    {}
func (Complete) isCommand()       {}
func (Cancel) isCommand()         {}
func (Expire) isCommand()         {}
func (Refund) isCommand()         {}
