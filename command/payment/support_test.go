package payment

import (
	"ticketing/command/scenario"
	"ticketing/internal/money"
)

func eur(minor int64) money.Money { return money.Money{Minor: minor, Currency: "EUR"} }

var (
	now = scenario.Now

	process = Process{
		ReservationID: "rsv_1", CustomerID: "usr_alice", EventID: "evt_1", Amount: eur(70_00), Gateway: "stripe", Method: "card",
	}
	initiated = PaymentInitiated{
		ReservationID: "rsv_1", CustomerID: "usr_alice", EventID: "evt_1", Amount: eur(70_00), Gateway: "stripe", Method: "card", CreatedAt: now,
	}
	processing = PaymentProcessing{TransactionID: "pi_1"}
	action     = PaymentActionRequired{TransactionID: "pi_1"}
	completed  = PaymentCompleted{TransactionID: "pi_1", CompletedAt: now}
	failed     = PaymentFailed{Code: Declined, Reason: "Your card was declined.", FailedAt: now}
)

// says returns the command that records an outcome of the payment pi_1.
func says(o Outcome) RecordOutcome {
	r := RecordOutcome{Outcome: o, TransactionID: "pi_1"}
	if o == OutcomeFailed {
		r.Code, r.Reason = failed.Code, failed.Reason
	}
	return r
}

func asked(refundID string, minor int64) RefundRequested {
	return RefundRequested{RefundID: refundID, Amount: eur(minor), Cause: CauseRequested, Reason: "rain", RequestedAt: now}
}

func given(refundID string, minor int64) PaymentRefunded {
	return PaymentRefunded{RefundID: refundID, Amount: eur(minor), RefundedAt: now}
}

func refused(refundID string) RefundFailed {
	return RefundFailed{RefundID: refundID, Reason: "account closed", FailedAt: now}
}

func Given(t scenario.T, history ...DomainEvent) scenario.Past[State, Command, DomainEvent] {
	return scenario.Given(t, Decide, Evolve, history...)
}
