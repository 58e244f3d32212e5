// Package reservation is the aggregate of one customer's reservation, from the reserved seats to the tickets or to its end.
// It is pure: no context, I/O, clock or randomness.
package reservation

import (
	"time"

	"ticketing/internal/money"
)

// Category is the first part of the stream's id.
const Category = "reservation"

// Stream returns the id of the reservation's stream.
func Stream(reservationID string) string { return Category + "-" + reservationID }

// Ticket is a seat of a completed reservation.
type Ticket struct {
	Ordinal int    `json:"ordinal"` // its place among the seats of the reservation, counted from 0
	Section string `json:"section"`
}

// DomainEvent is one of the types below.
type DomainEvent interface{ isReservation() }

// Seat is one ticket of a reservation. Label is empty for general admission. Price is that of the section at the time of the reservation.
type Seat struct {
	Section string      `json:"section"`
	Label   string      `json:"label,omitempty"`
	Price   money.Money `json:"price"`
}

type (
	// ReservationInitiated starts the stream; it is appended together with SeatsReserved.
	ReservationInitiated struct {
		EventID    string      `json:"eventId"`
		CustomerID string      `json:"customerId"`
		Seats      []Seat      `json:"seats"`
		Total      money.Money `json:"total"`
		// PaymentAttempts is how many payments may be declined until the reservation is compensated.
		PaymentAttempts int       `json:"paymentAttempts"`
		CreatedAt       time.Time `json:"createdAt"`
		ExpiresAt       time.Time `json:"expiresAt"`
		// TimeZone is the event's at that moment. Reports count the reservation by its days, whatever becomes of the event's: what was
		// reported of a day stays so. Empty means UTC, as in reservations from before it was kept.
		TimeZone string `json:"timeZone,omitempty"`
	}

	// PaymentRequested says that a payment went to the gateway. ExpiresAt is the new end of the hold: the first payment
	// extends it.
	PaymentRequested struct {
		PaymentID string    `json:"paymentId"`
		ExpiresAt time.Time `json:"expiresAt"`
	}

	// PaymentAttemptFailed puts the reservation back to seats reserved. AttemptsLeft does not fall if the gateway had an outage.
	PaymentAttemptFailed struct {
		PaymentID    string `json:"paymentId"`
		AttemptsLeft int    `json:"attemptsLeft"`
		Reason       string `json:"reason,omitempty"`
	}

	// ReservationCompleted is appended together with SeatsConfirmed. PaymentID is empty if there was nothing to pay.
	ReservationCompleted struct {
		PaymentID   string    `json:"paymentId,omitempty"`
		CompletedAt time.Time `json:"completedAt"`
	}

	// ReservationCancelled ends an unpaid reservation on request of its customer or because its event was cancelled.
	ReservationCancelled struct {
		Reason      string    `json:"reason,omitempty"`
		CancelledAt time.Time `json:"cancelledAt"`
	}

	// ReservationExpired ends a reservation that was not paid in time.
	ReservationExpired struct {
		ExpiredAt time.Time `json:"expiredAt"`
	}

	// ReservationCompensated ends a reservation whose last payment attempt was declined.
	ReservationCompensated struct {
		PaymentID     string    `json:"paymentId"`
		Reason        string    `json:"reason,omitempty"`
		CompensatedAt time.Time `json:"compensatedAt"`
	}

	// TicketsReturned says that single tickets of a completed reservation were refunded. The reservation keeps the others.
	TicketsReturned struct {
		PaymentID  string    `json:"paymentId"`
		RefundID   string    `json:"refundId"`
		Tickets    []Ticket  `json:"tickets"`
		ReturnedAt time.Time `json:"returnedAt"`
	}

	// ReservationRefunded ends a completed reservation whose payment was given back in full, by refunds or by disputes that were lost.
	ReservationRefunded struct {
		PaymentID  string    `json:"paymentId"`
		RefundedAt time.Time `json:"refundedAt"`
	}
)

func (ReservationInitiated) isReservation()   {}
func (PaymentRequested) isReservation()       {}
func (PaymentAttemptFailed) isReservation()   {}
func (ReservationCompleted) isReservation()   {}
func (ReservationCancelled) isReservation()   {}
func (ReservationExpired) isReservation()     {}
func (ReservationCompensated) isReservation() {}
func (TicketsReturned) isReservation()        {}
func (ReservationRefunded) isReservation()    {}
