package payment

import (
	"slices"
	"time"

	"ticketing/internal/money"
)

// Status is the state of a payment. The values are those of the API's PaymentStatus.
type Status string

// The states. The zero value is a payment that does not exist.
const (
	Initiated         Status = "INITIATED"
	RequiresAction    Status = "REQUIRES_ACTION"
	Processing        Status = "PROCESSING"
	Completed         Status = "COMPLETED"
	Failed            Status = "FAILED"
	PartiallyRefunded Status = "PARTIALLY_REFUNDED"
	Refunded          Status = "REFUNDED"
	nonexistent       Status = ""
)

// RefundStatus is the state of a refund. The values are those of the API's RefundStatus.
type RefundStatus string

// The states of a refund.
const (
	RefundPending   RefundStatus = "PENDING"
	RefundCompleted RefundStatus = "COMPLETED"
	RefundRefused   RefundStatus = "FAILED"
)

// Refund is one (partial) refund.
type Refund struct {
	ID          string
	Amount      money.Money
	Cause       RefundCause // empty if Reported
	Reason      string
	Tickets     []Ticket // that it is for; empty: it is for an amount
	Status      RefundStatus
	RequestedAt time.Time
	Attempt     int    // how often it was requested anew after the gateway refused it for good
	Failure     string // with RefundRefused: the gateway's reason, as people read it
	Reported    bool   // requested at the gateway itself, which carries it out
	SentBack    bool   // the money came back from the customer's bank at least once
}

// DisputeStatus is the state of a dispute.
type DisputeStatus string

// The states of a dispute.
const (
	DisputeOpen DisputeStatus = "OPEN"
	DisputeWon  DisputeStatus = "WON"
	DisputeLost DisputeStatus = "LOST"
)

// Dispute is a customer's complaint to their bank, which decides who gets the money.
type Dispute struct {
	ID        string      // the gateway's own
	Amount    money.Money // in dispute; with DisputeLost: what was paid out to the customer
	Status    DisputeStatus
	Reason    string // as the gateway names it
	CreatedAt time.Time
}

// State is what the domain events of one payment add up to.
type State struct {
	Status        Status
	ReservationID string
	CustomerID    string
	EventID       string
	Amount        money.Money
	Gateway       string
	Method        string
	TransactionID string
	FailureCode   FailureCode
	FailureReason string
	Refunds       []Refund
	Disputes      []Dispute
	CreatedAt     time.Time
	CompletedAt   *time.Time
	FailedAt      *time.Time
}

// Exists reports whether the payment has been initiated.
func (s State) Exists() bool { return s.Status != nonexistent }

// Undecided reports whether the gateway may still take the money.
func (s State) Undecided() bool {
	return s.Status == Initiated || s.Status == RequiresAction || s.Status == Processing
}

// RefundedMinor returns the sum of the completed refunds, in minor units.
func (s State) RefundedMinor() int64 { return s.sumRefunds(RefundCompleted) }

// LostMinor returns what banks gave to the customer by disputes, in minor units.
func (s State) LostMinor() int64 {
	var sum int64
	for _, d := range s.Disputes {
		if d.Status == DisputeLost {
			sum += d.Amount.Minor
		}
	}
	return sum
}

// RefundableMinor returns what can still be refunded, in minor units. Pending refunds count as completed.
func (s State) RefundableMinor() int64 {
	if s.CompletedAt == nil {
		return 0
	}
	return max(0, s.Amount.Minor-s.sumRefunds(RefundCompleted)-s.sumRefunds(RefundPending)-s.LostMinor())
}

// GivenBack reports whether the customer has all of the money again: by refunds, by disputes, or by both.
func (s State) GivenBack() bool {
	return s.CompletedAt != nil && s.RefundedMinor()+s.LostMinor() >= s.Amount.Minor
}

// Disputed reports whether a bank holds the money until it has decided.
func (s State) Disputed() bool {
	return slices.ContainsFunc(s.Disputes, func(d Dispute) bool { return d.Status == DisputeOpen })
}

// Dispute returns a dispute by the gateway's id.
func (s State) Dispute(id string) (Dispute, bool) {
	i := slices.IndexFunc(s.Disputes, func(d Dispute) bool { return d.ID == id })
	if i < 0 {
		return Dispute{}, false
	}
	return s.Disputes[i], true
}

func (s State) sumRefunds(status RefundStatus) int64 {
	var sum int64
	for _, r := range s.Refunds {
		if r.Status == status {
			sum += r.Amount.Minor
		}
	}
	return sum
}

// isRefunding reports whether a ticket is in a refund that is given or may still be.
func (s State) isRefunding(ordinal int) bool {
	return slices.ContainsFunc(s.Refunds, func(r Refund) bool {
		return r.Status != RefundRefused && slices.ContainsFunc(r.Tickets, func(t Ticket) bool { return t.Ordinal == ordinal })
	})
}

// Refund returns the refund with this id, if there is one.
func (s State) Refund(id string) (Refund, bool) {
	for _, r := range s.Refunds {
		if r.ID == id {
			return r, true
		}
	}
	return Refund{}, false
}

// Evolve returns the state after e.
func Evolve(s State, e DomainEvent) State {
	switch e := e.(type) {
	case PaymentInitiated:
		return State{
			Status: Initiated, ReservationID: e.ReservationID, CustomerID: e.CustomerID, EventID: e.EventID,
			Amount: e.Amount, Gateway: e.Gateway, Method: e.Method, CreatedAt: e.CreatedAt,
		}
	case PaymentProcessing:
		s.Status, s.TransactionID = Processing, e.TransactionID
	case PaymentActionRequired:
		s.Status, s.TransactionID = RequiresAction, e.TransactionID
	case PaymentCompleted:
		s.Status, s.TransactionID, s.CompletedAt = Completed, e.TransactionID, &e.CompletedAt
		s.FailedAt, s.FailureCode, s.FailureReason = nil, "", ""
	case PaymentFailed:
		s.Status, s.FailureCode, s.FailureReason, s.FailedAt = Failed, e.Code, e.Reason, &e.FailedAt
	case RefundRequested:
		return s.addRefund(Refund{
			ID: e.RefundID, Amount: e.Amount, Cause: e.Cause, Reason: e.Reason, Tickets: e.Tickets, Status: RefundPending, RequestedAt: e.RequestedAt,
		})
	case RefundReported:
		return s.addRefund(Refund{ID: e.RefundID, Amount: e.Amount, Status: RefundPending, RequestedAt: e.ReportedAt, Reported: true})
	case PaymentDisputed:
		s.Disputes = append(slices.Clone(s.Disputes), Dispute{
			ID: e.DisputeID, Amount: e.Amount, Status: DisputeOpen, Reason: e.Reason, CreatedAt: e.DisputedAt,
		})
	case DisputeClosed:
		return s.closeDispute(e)
	case PaymentRefunded:
		s = s.changeRefund(e.RefundID, func(r *Refund) { r.Status, r.Failure = RefundCompleted, "" })
	case RefundFailed:
		s = s.changeRefund(e.RefundID, func(r *Refund) { r.Status, r.Failure = RefundRefused, e.Reason })
	case RefundSentBack:
		s = s.changeRefund(e.RefundID, func(r *Refund) { r.Status, r.Failure, r.SentBack = RefundRefused, e.Reason, true })
	case RefundRetried:
		s = s.changeRefund(e.RefundID, func(r *Refund) { r.Status, r.Failure, r.Attempt = RefundPending, "", e.Attempt })
	}
	return s
}

func (s State) addRefund(r Refund) State {
	s.Refunds = append(s.Refunds[:len(s.Refunds):len(s.Refunds)], r)
	return s
}

func (s State) closeDispute(e DisputeClosed) State {
	s.Disputes = slices.Clone(s.Disputes)
	for i := range s.Disputes {
		if s.Disputes[i].ID != e.DisputeID {
			continue
		}
		switch {
		case e.Won:
			s.Disputes[i].Status = DisputeWon
		case e.Amount != nil:
			s.Disputes[i].Status, s.Disputes[i].Amount = DisputeLost, *e.Amount
		default:
			s.Disputes[i].Status = DisputeLost
		}
	}
	return s
}

func (r Refund) sendBack(reason string, now time.Time) RefundSentBack {
	return RefundSentBack{RefundID: r.ID, Attempt: r.Attempt, Amount: r.Amount, Reason: reason, Tickets: r.Tickets, SentBackAt: now}
}

// changeRefund copies the refunds, which other states share.
func (s State) changeRefund(refundID string, change func(*Refund)) State {
	refunds := make([]Refund, len(s.Refunds))
	copy(refunds, s.Refunds)
	for i := range refunds {
		if refunds[i].ID == refundID {
			change(&refunds[i])
		}
	}
	s.Refunds = refunds
	switch given := s.RefundedMinor(); {
	case given == s.Amount.Minor:
		s.Status = Refunded
	case given > 0:
		s.Status = PartiallyRefunded
	case s.CompletedAt != nil:
		s.Status = Completed
	}
	return s
}
