package reservation

import (
	"time"

	"ticketing/internal/money"
)

// Status is where a reservation stands. The values are those of the API's ReservationStatus.
type Status string

// The states; the zero value is a reservation that does not exist.
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

// State is a reservation as its domain events made it.
type State struct {
	Status        Status
	EventID       string
	CustomerID    string
	Seats         []Seat
	Total         money.Money
	AttemptsLeft  int
	PaymentID     string // of the payment that is with the gateway, or that completed the reservation
	Extended      bool   // a payment has extended the hold: it is done once
	CreatedAt     time.Time
	ExpiresAt     time.Time
	CompletedAt   *time.Time
	ExpiredAt     *time.Time
	CancelledAt   *time.Time
	CompensatedAt *time.Time
	RefundedAt    *time.Time
}

// Exists says whether there is such a reservation.
func (s State) Exists() bool { return s.Status != nonexistent }

// Holding says whether the reservation holds seats that are not paid.
func (s State) Holding() bool { return s.Status == SeatsReserved || s.Status == PaymentPending }

// Evolve answers the state after e.
func Evolve(s State, e DomainEvent) State {
	switch e := e.(type) {
	case ReservationInitiated:
		return State{
			Status: SeatsReserved, EventID: e.EventID, CustomerID: e.CustomerID, Seats: e.Seats, Total: e.Total,
			AttemptsLeft: e.PaymentAttempts, CreatedAt: e.CreatedAt, ExpiresAt: e.ExpiresAt,
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
	case ReservationRefunded:
		s.Status, s.RefundedAt = Refunded, &e.RefundedAt
	}
	return s
}
