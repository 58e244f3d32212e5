package reservation

import (
	"fmt"
	"time"

	"ticketing/command/rejection"
)

// Decide returns the domain events that c leads to, or a *rejection.Error.
func Decide(s State, c Command, now time.Time) ([]DomainEvent, error) {
	if initiate, ok := c.(Initiate); ok {
		return decideInitiate(s, initiate, now)
	}
	if !s.Exists() {
		return nil, rejection.New(rejection.NotFound, "there is no such reservation").At("reservationId")
	}
	switch c := c.(type) {
	case RequestPayment:
		return decideRequestPayment(s, c, now)
	case FailPayment:
		return decideFailPayment(s, c, now), nil
	case Complete:
		return decideComplete(s, c, now)
	case Cancel:
		return decideCancel(s, c, now)
	case Expire:
		return decideExpire(s, c, now)
	case ReturnTickets:
		return decideReturnTickets(s, c, now)
	case Refund:
		return decideRefund(s, c, now)
	}
	panic(fmt.Sprintf("reservation: unknown command %T", c))
}

func decideInitiate(s State, c Initiate, now time.Time) ([]DomainEvent, error) {
	if s.Exists() {
		return nil, rejection.New(rejection.InvalidState, "the reservation already exists")
	}
	if len(c.Seats) == 0 {
		return nil, rejection.New(rejection.Invalid, "a reservation needs at least one seat").At("items")
	}
	if c.TimeZone == time.UTC.String() {
		c.TimeZone = "" // projectors of an older release, which do not know of zones, make the same of it
	}
	return []DomainEvent{ReservationInitiated{
		EventID: c.EventID, CustomerID: c.CustomerID, Seats: c.Seats, Total: c.Total,
		PaymentAttempts: c.PaymentAttempts, CreatedAt: now, ExpiresAt: now.Add(c.Hold), TimeZone: c.TimeZone,
	}}, nil
}

func decideRequestPayment(s State, c RequestPayment, now time.Time) ([]DomainEvent, error) {
	if err := checkPayable(s, now); err != nil {
		return nil, err
	}
	expiresAt := s.ExpiresAt
	if !s.Extended {
		expiresAt = expiresAt.Add(c.Hold)
	}
	return []DomainEvent{PaymentRequested{PaymentID: c.PaymentID, ExpiresAt: expiresAt}}, nil
}

// decideFailPayment changes nothing unless the reservation waits for that payment: a gateway's outcome may come twice or late.
func decideFailPayment(s State, c FailPayment, now time.Time) []DomainEvent {
	if s.Status != PaymentPending || s.PaymentID != c.PaymentID {
		return nil
	}
	left := s.AttemptsLeft
	if !c.Outage {
		left--
	}
	if left <= 0 {
		return []DomainEvent{ReservationCompensated{PaymentID: c.PaymentID, Reason: c.Reason, CompensatedAt: now}}
	}
	return []DomainEvent{PaymentAttemptFailed{PaymentID: c.PaymentID, AttemptsLeft: left, Reason: c.Reason}}
}

func decideComplete(s State, c Complete, now time.Time) ([]DomainEvent, error) {
	if c.PaymentID == "" {
		if err := checkPayable(s, now); err != nil {
			return nil, err
		}
		if s.Total.Minor != 0 {
			return nil, rejection.New(rejection.Invalid, "%s is due: give a payment method", s.Total).At("method")
		}
		return []DomainEvent{ReservationCompleted{CompletedAt: now}}, nil
	}
	// The money is taken: a hold that is over does not matter as long as the inventory still has the seats.
	if !s.Holding() && s.Status != Expired {
		return nil, rejectState(s, "completed")
	}
	return []DomainEvent{ReservationCompleted{PaymentID: c.PaymentID, CompletedAt: now}}, nil
}

func decideCancel(s State, c Cancel, now time.Time) ([]DomainEvent, error) {
	if err := rejection.CheckLength(c.Reason, LongestReason, "reason"); err != nil {
		return nil, err
	}
	switch {
	case s.Status == SeatsReserved, s.Status == PaymentPending && s.PaymentID == c.GivenUp:
		return []DomainEvent{ReservationCancelled{Reason: c.Reason, CancelledAt: now}}, nil
	case s.Status == PaymentPending:
		return nil, rejectInProgress()
	case s.Status == Expired:
		return nil, rejectExpired(s)
	}
	return nil, rejectState(s, "cancelled")
}

func decideExpire(s State, c Expire, now time.Time) ([]DomainEvent, error) {
	if !s.Holding() || now.Before(s.ExpiresAt) {
		return nil, nil // paid, ended or extended since the sweep read its list
	}
	if s.Status == PaymentPending && s.PaymentID != c.GivenUp {
		return nil, rejectInProgress()
	}
	return []DomainEvent{ReservationExpired{ExpiredAt: now}}, nil
}

// decideReturnTickets returns each ticket once.
func decideReturnTickets(s State, c ReturnTickets, now time.Time) ([]DomainEvent, error) {
	if s.Status != Completed || s.PaymentID != c.PaymentID {
		return nil, rejectState(s, "refunded in part")
	}
	var tickets []Ticket
	for _, ordinal := range c.Ordinals {
		if ordinal >= 0 && ordinal < len(s.Seats) && !s.HasReturned(ordinal) {
			tickets = append(tickets, Ticket{Ordinal: ordinal, Section: s.Seats[ordinal].Section})
		}
	}
	if len(tickets) == 0 {
		return nil, nil
	}
	return []DomainEvent{TicketsReturned{PaymentID: c.PaymentID, RefundID: c.RefundID, Tickets: tickets, ReturnedAt: now}}, nil
}

func decideRefund(s State, c Refund, now time.Time) ([]DomainEvent, error) {
	if s.Status == Refunded {
		return nil, nil
	}
	if s.Status != Completed || s.PaymentID != c.PaymentID {
		return nil, rejectState(s, "refunded")
	}
	return []DomainEvent{ReservationRefunded{PaymentID: c.PaymentID, RefundedAt: now}}, nil
}

// checkPayable rejects a payment that can't begin now. Once the hold is over it can't, whether the sweep has come or not.
func checkPayable(s State, now time.Time) error {
	switch {
	case s.Status == PaymentPending:
		return rejectInProgress()
	case s.Status == Expired || (s.Status == SeatsReserved && !now.Before(s.ExpiresAt)):
		return rejectExpired(s)
	case s.Status != SeatsReserved:
		return rejectState(s, "paid")
	}
	return nil
}

func rejectInProgress() error {
	return rejection.New(rejection.PaymentInProgress, "a payment of this reservation is in progress")
}

func rejectExpired(s State) error {
	return rejection.New(rejection.ReservationExpired, "the reservation expired at %s", s.ExpiresAt.Format(time.RFC3339))
}

func rejectState(s State, done string) error {
	return rejection.New(rejection.InvalidState, "a reservation that is %s cannot be %s", s.Status, done)
}
