package reservation

import (
	"time"

	"ticketing/command/scenario"
	"ticketing/internal/money"
)

const (
	hold   = 5 * time.Minute
	moment = time.Nanosecond
)

var (
	now       = scenario.Now
	expiresAt = now.Add(hold)

	twoSeats = []Seat{
		{Section: "Stalls", Label: "A-1", Price: money.Money{Minor: 50_00, Currency: "EUR"}},
		{Section: "Pit", Price: money.Money{Minor: 20_00, Currency: "EUR"}},
	}
	total     = money.Money{Minor: 70_00, Currency: "EUR"}
	initiated = ReservationInitiated{
		EventID: "evt_1", CustomerID: "usr_alice", Seats: twoSeats, Total: total, PaymentAttempts: 3, CreatedAt: now, ExpiresAt: expiresAt,
	}
	free = ReservationInitiated{
		EventID: "evt_1", CustomerID: "usr_alice", Seats: []Seat{{Section: "Lawn", Price: money.Money{Currency: "EUR"}}},
		Total: money.Money{Currency: "EUR"}, PaymentAttempts: 3, CreatedAt: now, ExpiresAt: expiresAt,
	}

	requested   = PaymentRequested{PaymentID: "pay_1", ExpiresAt: expiresAt.Add(hold)}
	completed   = ReservationCompleted{PaymentID: "pay_1", CompletedAt: now}
	cancelled   = ReservationCancelled{Reason: "changed my mind", CancelledAt: now}
	expiredNow  = ReservationExpired{ExpiredAt: expiresAt}
	compensated = ReservationCompensated{PaymentID: "pay_1", Reason: "declined", CompensatedAt: now}
	refunded    = ReservationRefunded{PaymentID: "pay_1", RefundedAt: now}
)

// declined says that a payment attempt failed and how many are left.
func declined(left int) PaymentAttemptFailed {
	return PaymentAttemptFailed{PaymentID: "pay_1", AttemptsLeft: left, Reason: "declined"}
}

func Given(t scenario.T, history ...DomainEvent) scenario.Past[State, Command, DomainEvent] {
	return scenario.Given(t, Decide, Evolve, history...)
}
