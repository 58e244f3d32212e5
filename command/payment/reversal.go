package payment

import (
	"time"

	"ticketing/command/rejection"
	"ticketing/internal/money"
)

// Money that was taken back elsewhere is a fact, so it is recorded whatever was requested here. A refund of ours that it makes
// impossible fails at the gateway.

// decideReportRefund records a refund of the gateway's own. Its first report may already be of its end, and its end may be undone.
func decideReportRefund(s State, c ReportRefund, now time.Time) ([]DomainEvent, error) {
	known, ok := s.Refund(c.RefundID)
	if ok {
		c.Amount = known.Amount // of its first report, which the sums of the payment count
	}
	var events []DomainEvent
	switch {
	case ok && known.Status == RefundCompleted && c.Status == RefundRefused:
		return []DomainEvent{known.sendBack(c.Reason, now)}, nil
	case ok && known.Status != RefundPending, !ok && c.Status == RefundRefused:
		return nil, nil // its end is recorded, or there is nothing to record
	case !ok && s.CompletedAt == nil:
		return nil, rejection.New(rejection.InvalidState, "a payment that is %s cannot have been refunded", s.Status)
	case (!ok || c.Status == RefundCompleted) && !s.couldHaveRefunded(c.Amount):
		return nil, rejection.New(rejection.Invalid, "%s cannot have been refunded of %s", c.Amount, s.Amount).At("amount", "amount")
	case !ok:
		events = append(events, RefundReported{RefundID: c.RefundID, Amount: c.Amount, ReportedAt: now})
	}
	switch c.Status {
	case RefundCompleted:
		return append(events, PaymentRefunded{RefundID: c.RefundID, Amount: c.Amount, Tickets: known.Tickets, RefundedAt: now}), nil
	case RefundRefused:
		return append(events, RefundFailed{RefundID: c.RefundID, Reason: c.Reason, FailedAt: now}), nil
	case RefundPending:
	}
	return events, nil
}

func (s State) couldHaveRefunded(amount money.Money) bool {
	return amount.Currency == s.Amount.Currency && amount.Minor > 0 && amount.Minor <= s.Amount.Minor-s.RefundedMinor()
}

// decideRecordDispute opens and closes a dispute. Its first report may already be of its end.
func decideRecordDispute(s State, c RecordDispute, now time.Time) ([]DomainEvent, error) {
	if s.CompletedAt == nil {
		return nil, rejection.New(rejection.InvalidState, "a payment that is %s cannot be disputed", s.Status)
	}
	if c.Amount.Currency != s.Amount.Currency || c.Amount.Minor > s.Amount.Minor {
		c.Amount = s.Amount // a bank takes no more than was paid, whatever it adds in fees or converts it to
	}
	var events []DomainEvent
	known, ok := s.Dispute(c.DisputeID)
	if !ok {
		events = append(events, PaymentDisputed{DisputeID: c.DisputeID, Amount: c.Amount, Reason: c.Reason, DisputedAt: now})
	}
	if c.Status != DisputeOpen && (!ok || known.Status == DisputeOpen) {
		closed := DisputeClosed{DisputeID: c.DisputeID, Won: c.Status == DisputeWon, ClosedAt: now}
		if !closed.Won {
			closed.Amount = &c.Amount
		}
		events = append(events, closed)
	}
	return events, nil
}
