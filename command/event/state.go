package event

import (
	"cmp"
	"time"
)

// Status is the state of an event in its life cycle. The values are those of the API's EventStatus.
type Status string

// The states. The zero value is an event that does not exist.
const (
	Draft       Status = "DRAFT"
	Published   Status = "PUBLISHED"
	SalesOpen   Status = "SALES_OPEN"
	SalesShut   Status = "SALES_CLOSED"
	Cancelled   Status = "CANCELLED"
	Completed   Status = "COMPLETED"
	nonexistent Status = ""
)

// State is what the domain events of one event add up to.
type State struct { //nolint:recvcheck // only Evolve changes its copy
	Status                   Status
	Published                bool // it was public at least once
	Deleted                  bool // it was a draft, and there is no such event any more
	OrganizerID              string
	Name                     string
	Description              string
	Venue                    string
	StartsAt                 time.Time
	TimeZone                 string // IANA
	SalesOpenAt              *time.Time
	SalesCloseAt             *time.Time
	MaxTicketsPerReservation int
	MaxTicketsPerCustomer    *int
	PaymentAttempts          int
	CreatedAt                time.Time
	CancellationReason       string
	Reopens                  bool // sales are closed, and the sales window may open them again
}

// Exists reports whether the event has been created and not deleted.
func (s State) Exists() bool { return s.Status != nonexistent && !s.Deleted }

// Withdrawn reports whether the event was cancelled before it was published: it was never public, and stays so.
func (s State) Withdrawn() bool { return s.Status == Cancelled && !s.Published }

// OnSale reports whether customers may reserve at the time now: sales are open and have not ended; or the sales window has begun and the
// saga has yet to open sales.
func (s State) OnSale(now time.Time) bool {
	opens := s.OpensAt(now)
	return now.Before(s.salesEnd()) && (s.Status == SalesOpen || (opens != nil && !now.Before(*opens)))
}

// OpensAt returns when the sales window opens sales, seen from the time now: nil if it does not, a time that has passed if they are due.
func (s State) OpensAt(now time.Time) *time.Time {
	var opens *time.Time
	switch {
	case s.Status == Published:
		opens = s.SalesOpenAt
	case s.Status == SalesShut && s.Reopens && s.SalesOpenAt == nil:
		opens = &now
	case s.Status == SalesShut && s.Reopens:
		opens = s.SalesOpenAt
	}
	if opens == nil || !now.Before(s.salesEnd()) {
		return nil
	}
	return opens
}

// ClosesAt returns when the sales window, or else the start of the event, closes sales; nil if there is nothing to close.
func (s State) ClosesAt() *time.Time {
	hasWindow := s.SalesOpenAt != nil || s.SalesCloseAt != nil
	if s.Status == SalesOpen || (s.Status == Published && hasWindow) {
		return new(s.salesEnd())
	}
	return nil
}

// salesEnd returns when sales end unless they are closed before: at the start of the event if nothing else was said.
func (s State) salesEnd() time.Time { return valueOr(s.SalesCloseAt, s.StartsAt) }

// Place returns where and when the event takes place.
func (s State) Place() Place {
	return Place{Venue: s.Venue, StartsAt: s.StartsAt, TimeZone: s.TimeZone}
}

func (s State) limits() Limits {
	return Limits{MaxTicketsPerReservation: s.MaxTicketsPerReservation, MaxTicketsPerCustomer: s.MaxTicketsPerCustomer, PaymentAttempts: s.PaymentAttempts}
}

func (s *State) setLimits(l Limits) {
	s.MaxTicketsPerReservation, s.MaxTicketsPerCustomer, s.PaymentAttempts = l.MaxTicketsPerReservation, l.MaxTicketsPerCustomer, l.PaymentAttempts
}

// Evolve returns the state after e.
func Evolve(s State, e DomainEvent) State {
	switch e := e.(type) {
	case EventCreated:
		return State{
			Status: Draft, OrganizerID: e.OrganizerID, Name: e.Name, Description: e.Description, Venue: e.Venue,
			StartsAt: e.StartsAt, SalesOpenAt: e.SalesOpenAt, SalesCloseAt: e.SalesCloseAt,
			TimeZone:                 cmp.Or(e.TimeZone, DefaultTimeZone),
			MaxTicketsPerReservation: e.MaxTicketsPerReservation, MaxTicketsPerCustomer: e.MaxTicketsPerCustomer,
			PaymentAttempts: e.PaymentAttempts, CreatedAt: e.CreatedAt,
		}
	case EventUpdated:
		if !sameTime(e.SalesOpenAt, s.SalesOpenAt) {
			s.Reopens = s.Status == SalesShut && e.SalesOpenAt != nil
		}
		s.Name, s.Description, s.Venue = e.Name, e.Description, e.Venue
		s.StartsAt, s.SalesOpenAt, s.SalesCloseAt = e.StartsAt, e.SalesOpenAt, e.SalesCloseAt
		s.TimeZone = cmp.Or(e.TimeZone, DefaultTimeZone)
		if e.Limits != nil {
			s.setLimits(*e.Limits)
		}
	case EventPublished:
		s.Status, s.Published = Published, true
	case DraftDeleted:
		s.Deleted, s.Name, s.Description, s.Venue, s.CancellationReason = true, "", "", "", ""
	case SalesOpened:
		s.Status, s.Reopens = SalesOpen, false
	case SalesClosed:
		s.Reopens = e.Scheduled && (s.Status == SalesOpen || s.SalesOpenAt != nil)
		s.Status = SalesShut
	case EventCancelled:
		s.Status, s.CancellationReason = Cancelled, e.Reason
	case EventCompleted:
		s.Status = Completed
	}
	return s
}
