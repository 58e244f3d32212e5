package gateway

import "ticketing/command/payment"

// Result is the state of a payment at the gateway.
type Result struct {
	TransactionID string
	Outcome       payment.Outcome
	Code          payment.FailureCode // with OutcomeFailed
	Reason        string              // with OutcomeFailed; safe to show to the customer
	NextAction    *NextAction         // with OutcomeRequiresAction
}

// NextAction is what the customer has to do: one of the fields is set. It is never stored, since the client secret is a secret.
type NextAction struct {
	ClientSecret string
	RedirectURL  string
}

// RefundResult is the state of a refund at the gateway.
type RefundResult struct {
	Pending bool // the gateway reports the outcome later
	Failed  bool // the gateway refused it, and will refuse it again
	Reason  string
}

// Why a gateway gives no refund, as customers and organizers read it.
const (
	ReasonNotCharged   = "The payment was not charged."
	ReasonMoreThanLeft = "The refund is larger than what is left of the payment."
	ReasonBankRefused  = "The card's bank refused the refund."
)

// Declined returns the result of a payment that the bank or the gateway refused.
func Declined(transactionID, reason string) Result {
	return Result{TransactionID: transactionID, Outcome: payment.OutcomeFailed, Code: payment.Declined, Reason: reason}
}

// Abandoned returns the result of a payment that was given up before it was charged.
func Abandoned(transactionID string) Result {
	return Result{
		TransactionID: transactionID, Outcome: payment.OutcomeFailed, Code: payment.Abandoned, Reason: "The payment was cancelled.",
	}
}

// RefundRefused returns the result of a refund that is never given.
func RefundRefused(reason string) RefundResult { return RefundResult{Failed: true, Reason: reason} }
