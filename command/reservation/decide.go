package reservation

import (
	"fmt"
	"time"

	"ticketing/command/rejection"
)

// Decide answers the domain events that c leads to, or a *rejection.Error.
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
	case Refund:
		return decideRefund(s, c, now)
	}
	panic(fmt.Sprintf("reservation: unknown command %T", c))
}

func decideInitiate(s State, c Initiate, now time.Time) ([]DomainEvent, error) {
	if s.Exists() {
		return nil, rejection.New(rejection.InvalidState, "the reservation exists already")
	}
	if len(c.Seats) == 0 {
		return nil, rejection.New(rejection.Invalid, "a reservation needs at least one seat").At("items")
	}
	return []DomainEvent{ReservationInitiated{
		EventID: c.EventID, CustomerID: c.CustomerID, Seats: c.Seats, Total: c.Total,
		PaymentAttempts: c.PaymentAttempts, CreatedAt: now, ExpiresAt: now.Add(c.Hold),
	}}, nil
}

func decideRequestPayment(s State, c RequestPayment, now time.Time) ([]DomainEvent, error) {
	if err := payable(s, now); err != nil {
		return nil, err
	}
	expiresAt := s.ExpiresAt
	if !s.Extended {
		expiresAt = expiresAt.Add(c.Hold)
	}
	return []DomainEvent{PaymentRequested{PaymentID: c.PaymentID, ExpiresAt: expiresAt}}, nil
}

// decideFailPayment changes nothing unless that payment is the one the reservation waits for: an answer may come twice or late.
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
		if err := payable(s, now); err != nil {
			return nil, err
		}
		if s.Total.Minor != 0 {
			return nil, rejection.New(rejection.Invalid, "%s is to be paid: a payment method is needed", s.Total).At("method")
		}
		return []DomainEvent{ReservationCompleted{CompletedAt: now}}, nil
	}
	// The money is taken: whether the hold is over matters no more as long as the inventory still gives the seats.
	if !s.Holding() && s.Status != Expired {
		return nil, invalidState(s, "completed")
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
		return nil, inProgress()
	case s.Status == Expired:
		return nil, expired(s)
	}
	return nil, invalidState(s, "cancelled")
}

func decideExpire(s State, c Expire, now time.Time) ([]DomainEvent, error) {
	if !s.Holding() || now.Before(s.ExpiresAt) {
		return nil, nil // paid, ended or extended meanwhile: the sweep works from a list that may be behind
	}
	if s.Status == PaymentPending && s.PaymentID != c.GivenUp {
		return nil, inProgress()
	}
	return []DomainEvent{ReservationExpired{ExpiredAt: now}}, nil
}

func decideRefund(s State, c Refund, now time.Time) ([]DomainEvent, error) {
	if s.Status == Refunded {
		return nil, nil
	}
	if s.Status != Completed || s.PaymentID != c.PaymentID {
		return nil, invalidState(s, "refunded")
	}
	return []DomainEvent{ReservationRefunded{PaymentID: c.PaymentID, RefundedAt: now}}, nil
}

// payable says why the reservation can't be paid now, if it can't. Past its hold nothing can be paid, swept or not.
func payable(s State, now time.Time) error {
	switch {
	case s.Status == PaymentPending:
		return inProgress()
	case s.Status == Expired || (s.Status == SeatsReserved && !now.Before(s.ExpiresAt)):
		return expired(s)
	case s.Status != SeatsReserved:
		return invalidState(s, "paid")
	}
	return nil
}

func inProgress() error {
	return rejection.New(rejection.PaymentInProgress, "a payment of this reservation is with the gateway")
}

func expired(s State) error {
	return rejection.New(rejection.ReservationExpired, "the reservation expired at %s", s.ExpiresAt.Format(time.RFC3339))
}

func invalidState(s State, done string) error {
	return rejection.New(rejection.InvalidState, "a reservation that is %s cannot be %s", s.Status, done)
}
