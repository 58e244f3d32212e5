package payment

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"ticketing/command/rejection"
	"ticketing/internal/money"
)

// Command is one of the commands below.
type Command interface{ isCommand() }

// Outcome is the state of a payment at its gateway.
type Outcome string

// The outcomes.
const (
	OutcomeCreated        Outcome = "created" // exists at the gateway, and is not confirmed
	OutcomeRequiresAction Outcome = "requires_action"
	OutcomeProcessing     Outcome = "processing"
	OutcomeSucceeded      Outcome = "succeeded"
	OutcomeFailed         Outcome = "failed"
)

type (
	// Process starts a payment.
	Process struct {
		ReservationID string
		CustomerID    string
		EventID       string
		Amount        money.Money
		Gateway       string
		Method        string
	}

	// RecordOutcome records an outcome at the gateway. A payment only moves forward: an outcome that comes twice, late or out of
	// order changes nothing, and only a success replaces a failure.
	RecordOutcome struct {
		Outcome       Outcome
		TransactionID string
		Code          FailureCode // with OutcomeFailed
		Reason        string      // with OutcomeFailed
	}

	// RequestRefund starts a refund of all or part of the money.
	RequestRefund struct {
		RefundID string
		Amount   *money.Money // Default: the price of Tickets; without any, all that is left.
		Tickets  []Ticket
		Cause    RefundCause
		Reason   string // Default: the cause's explanation.
	}

	// RetryRefund requests a refund anew that failed or waits for the gateway.
	RetryRefund struct{ RefundID string }

	// RecordRefund records how a requested refund ended at the gateway: a refund that succeeded may fail days later. The failure of an
	// earlier attempt changes nothing.
	RecordRefund struct {
		RefundID string
		Attempt  int
		Failed   bool
		Reason   string // with Failed
	}

	// ReportRefund records a refund that was requested at the gateway itself.
	ReportRefund struct {
		RefundID string
		Amount   money.Money
		Status   RefundStatus
		Reason   string // with RefundRefused
	}

	// RecordDispute records the state of a dispute at the gateway. Amount is what is in dispute or, with DisputeLost, what was paid out.
	RecordDispute struct {
		DisputeID string
		Amount    money.Money
		Reason    string
		Status    DisputeStatus
	}
)

func (Process) isCommand()       {}
func (RecordOutcome) isCommand() {}
func (RequestRefund) isCommand() {}
func (RetryRefund) isCommand()   {}
func (RecordRefund) isCommand()  {}
func (ReportRefund) isCommand()  {}
func (RecordDispute) isCommand() {}

// Decide returns the domain events that c leads to, or a *rejection.Error.
func Decide(s State, c Command, now time.Time) ([]DomainEvent, error) {
	if process, ok := c.(Process); ok {
		return decideProcess(s, process, now)
	}
	if !s.Exists() {
		return nil, rejection.New(rejection.NotFound, "there is no such payment").At("paymentId")
	}
	switch c := c.(type) {
	case RecordOutcome:
		return decideRecordOutcome(s, c, now), nil
	case RequestRefund:
		return decideRequestRefund(s, c, now)
	case RetryRefund:
		return decideRetryRefund(s, c, now)
	case RecordRefund:
		return decideRecordRefund(s, c, now)
	case ReportRefund:
		return decideReportRefund(s, c, now)
	case RecordDispute:
		return decideRecordDispute(s, c, now)
	}
	panic(fmt.Sprintf("payment: unknown command %T", c))
}

func decideProcess(s State, c Process, now time.Time) ([]DomainEvent, error) {
	if s.Exists() {
		return nil, rejection.New(rejection.InvalidState, "the payment already exists")
	}
	if c.Amount.Minor <= 0 {
		return nil, rejection.New(rejection.Invalid, "there is nothing to pay")
	}
	return []DomainEvent{PaymentInitiated{
		ReservationID: c.ReservationID, CustomerID: c.CustomerID, EventID: c.EventID,
		Amount: c.Amount, Gateway: c.Gateway, Method: c.Method, CreatedAt: now,
	}}, nil
}

func decideRecordOutcome(s State, c RecordOutcome, now time.Time) []DomainEvent {
	switch {
	case s.CompletedAt != nil:
		return nil // nothing undoes a success
	case c.Outcome == OutcomeSucceeded:
		return []DomainEvent{PaymentCompleted{TransactionID: c.TransactionID, CompletedAt: now}}
	case !s.Undecided():
		return nil // only a success replaces a failure
	}
	switch c.Outcome {
	case OutcomeCreated, OutcomeProcessing:
		if s.Status == Processing || (s.Status == RequiresAction && c.Outcome == OutcomeCreated) {
			return nil
		}
		return []DomainEvent{PaymentProcessing{TransactionID: c.TransactionID}}
	case OutcomeRequiresAction:
		if s.Status == RequiresAction {
			return nil
		}
		return []DomainEvent{PaymentActionRequired{TransactionID: c.TransactionID}}
	case OutcomeFailed:
		return []DomainEvent{PaymentFailed{Code: c.Code, Reason: c.Reason, FailedAt: now}}
	case OutcomeSucceeded: // handled above
	}
	panic(fmt.Sprintf("payment: unknown outcome %q", c.Outcome))
}

func decideRequestRefund(s State, c RequestRefund, now time.Time) ([]DomainEvent, error) {
	if s.CompletedAt == nil {
		return nil, rejection.New(rejection.InvalidState, "a payment that is %s cannot be refunded", s.Status)
	}
	if _, ok := s.Refund(c.RefundID); ok {
		return nil, nil // requested before
	}
	if err := rejection.CheckLength(c.Reason, LongestReason, "reason"); err != nil {
		return nil, err
	}
	left := money.Money{Minor: s.RefundableMinor(), Currency: s.Amount.Currency}
	if len(c.Tickets) > 0 {
		return decideRefundTickets(s, c, left, now)
	}
	amount := left
	if c.Amount != nil {
		amount = *c.Amount
	}
	switch {
	case amount.Currency != left.Currency:
		return nil, rejection.New(rejection.Invalid, "the payment was in %s", left.Currency).At("amount", "currencyCode")
	case s.Disputed():
		return nil, rejectDisputed()
	case c.Amount == nil && left.Minor == 0:
		return nil, rejection.New(rejection.InvalidState, "nothing is left to refund")
	case amount.Minor <= 0:
		return nil, rejection.New(rejection.Invalid, "amount must be above zero").At("amount", "amount")
	case amount.Minor > left.Minor:
		return nil, rejection.New(rejection.Invalid, "amount must be at most %s, which is what is left to refund", left).At("amount", "amount")
	}
	return []DomainEvent{c.requested(amount, now)}, nil
}

func (c RequestRefund) requested(amount money.Money, now time.Time) RefundRequested {
	return RefundRequested{
		RefundID: c.RefundID, Amount: amount, Cause: c.Cause, Reason: cmp.Or(c.Reason, c.Cause.Explanation()), Tickets: c.Tickets, RequestedAt: now,
	}
}

// decideRefundTickets decides a refund of the price of single tickets, each of which is refunded once.
func decideRefundTickets(s State, c RequestRefund, left money.Money, now time.Time) ([]DomainEvent, error) {
	amount := money.Money{Currency: left.Currency}
	for i, t := range c.Tickets {
		if s.isRefunding(t.Ordinal) {
			return nil, rejection.New(rejection.InvalidState, "the ticket is refunded already").At("tickets", strconv.Itoa(i))
		}
		amount.Minor += t.Price.Minor // together at most the amount that was paid
	}
	switch {
	case s.Disputed():
		return nil, rejectDisputed()
	case amount.Minor <= 0:
		return nil, rejection.New(rejection.Invalid, "the tickets were free").At("tickets")
	case amount.Minor > left.Minor:
		return nil, rejection.New(rejection.Invalid, "the tickets cost %s, and only %s is left to refund", amount, left).At("tickets")
	}
	return []DomainEvent{c.requested(amount, now)}, nil
}

func decideRetryRefund(s State, c RetryRefund, now time.Time) ([]DomainEvent, error) {
	r, ok := s.Refund(c.RefundID)
	attempt := r.Attempt
	switch {
	case !ok:
		return nil, rejection.New(rejection.NotFound, "there is no such refund").At("refundId")
	case r.Reported:
		return nil, rejection.New(rejection.InvalidState, "the refund was requested at the gateway, which carries it out")
	case r.Status == RefundCompleted:
		return nil, rejection.New(rejection.InvalidState, "the money was refunded")
	case s.Disputed():
		return nil, rejectDisputed()
	case r.Status == RefundRefused:
		if slices.ContainsFunc(r.Tickets, func(t Ticket) bool { return s.isRefunding(t.Ordinal) }) {
			return nil, rejection.New(rejection.InvalidState, "another refund is for the same tickets")
		}
		if r.Amount.Minor > s.RefundableMinor() {
			return nil, rejection.New(rejection.InvalidState, "less than %s is left to refund", r.Amount)
		}
		attempt++
	}
	return []DomainEvent{RefundRetried{RefundID: r.ID, Attempt: attempt, RetriedAt: now}}, nil
}

func rejectDisputed() error {
	return rejection.New(rejection.InvalidState, "the payment is disputed: the customer's bank decides who gets the money")
}

func decideRecordRefund(s State, c RecordRefund, now time.Time) ([]DomainEvent, error) {
	r, ok := s.Refund(c.RefundID)
	switch {
	case !ok:
		return nil, rejection.New(rejection.NotFound, "there is no such refund").At("refundId")
	case c.Attempt < r.Attempt && (c.Failed || r.SentBack):
		return nil, nil // recorded before
	case c.Failed && r.Status == RefundCompleted:
		return []DomainEvent{r.sendBack(c.Reason, now)}, nil
	case r.Status != RefundPending:
		return nil, nil // recorded before
	case c.Failed:
		return []DomainEvent{RefundFailed{RefundID: r.ID, Reason: c.Reason, FailedAt: now}}, nil
	case r.Amount.Minor > s.Amount.Minor-s.RefundedMinor(): // what was refunded elsewhere makes it impossible
		return nil, rejection.New(rejection.Invalid, "%s cannot have been refunded, too, of %s", r.Amount, s.Amount)
	}
	return []DomainEvent{PaymentRefunded{RefundID: r.ID, Amount: r.Amount, Tickets: r.Tickets, RefundedAt: now}}, nil
}
