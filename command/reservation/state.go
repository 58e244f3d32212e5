package reservation

import (
	"slices"
	"time"

	"ticketing/internal/money"
)

// Status is the state of a reservation. The values are those of the API's ReservationStatus.
type Status string

// The states. The zero value is a reservation that does not exist.
const (
	SeatsReserved  Status = "SEATS_RESERVED"
	PaymentPending Status = "PAYMENT_PENDING"
	Completed      Status = "COMPLETED"
	Expired        Status = "EXPIRED"
	Cancelled      Status = "CANCELLED"
	Compensated    Status = "COMPENSATED"
	Refunded       Status = "REFUNDED"
	nonexistent    Status = ""
)

// State is what the domain events of one reservation add up to.
type State struct {
	Status        Status
	EventID       string
	CustomerID    string
	Seats         []Seat
	Returned      []int // ordinals of the tickets that were returned one by one
	Total         money.Money
	AttemptsLeft  int
	PaymentID     string // the payment at the gateway, or the one that completed the reservation
	Extended      bool   // a payment has extended the hold, which happens once
	CreatedAt     time.Time
	ExpiresAt     time.Time
	CompletedAt   *time.Time
	ExpiredAt     *time.Time
	CancelledAt   *time.Time
	CompensatedAt *time.Time
	RefundedAt    *time.Time
	TimeZone      string // the event's when the reservation was made
}

// Exists reports whether the reservation has been made.
func (s State) Exists() bool { return s.Status != nonexistent }

// Holding reports whether the reservation holds seats that are not paid.
func (s State) Holding() bool { return s.Status == SeatsReserved || s.Status == PaymentPending }

// HasReturned reports whether a ticket was returned by itself.
func (s State) HasReturned(ordinal int) bool { return slices.Contains(s.Returned, ordinal) }

// KeptSeats returns the seats without the tickets that were returned one by one.
func (s State) KeptSeats() []Seat {
	kept := make([]Seat, 0, len(s.Seats))
	for ordinal, seat := range s.Seats {
		if !s.HasReturned(ordinal) {
			kept = append(kept, seat)
		}
	}
	return kept
}

// Evolve returns the state after e.
func Evolve(s State, e DomainEvent) State {
	switch e := e.(type) {
	case ReservationInitiated:
		return State{
			Status: SeatsReserved, EventID: e.EventID, CustomerID: e.CustomerID, Seats: e.Seats, Total: e.Total,
			AttemptsLeft: e.PaymentAttempts, CreatedAt: e.CreatedAt, ExpiresAt: e.ExpiresAt, TimeZone: e.TimeZone,
		}
	case PaymentRequested:
		s.Status, s.PaymentID, s.ExpiresAt, s.Extended = PaymentPending, e.PaymentID, e.ExpiresAt, true
	case PaymentAttemptFailed:
		s.Status, s.PaymentID, s.AttemptsLeft = SeatsReserved, "", e.AttemptsLeft
	case ReservationCompleted:
		s.Status, s.PaymentID, s.CompletedAt, s.ExpiredAt = Completed, e.PaymentID, &e.CompletedAt, nil
	case ReservationCancelled:
		s.Status, s.CancelledAt = Cancelled, &e.CancelledAt
	case ReservationExpired:
		s.Status, s.ExpiredAt = Expired, &e.ExpiredAt
	case ReservationCompensated:
		s.Status, s.AttemptsLeft, s.CompensatedAt = Compensated, 0, &e.CompensatedAt
	case TicketsReturned:
		s.Returned = slices.Clone(s.Returned) // other states share it
		for _, t := range e.Tickets {
			s.Returned = append(s.Returned, t.Ordinal)
		}
	case ReservationRefunded:
		s.Status, s.RefundedAt = Refunded, &e.RefundedAt
	}
	return s
}
