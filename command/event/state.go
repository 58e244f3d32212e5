package event

import "time"

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
type State struct {
	Status                   Status
	Published                bool // it was public at least once
	Deleted                  bool // it was a draft, and there is no such event any more
	OrganizerID              string
	Name                     string
	Description              string
	Venue                    string
	StartsAt                 time.Time
	SalesOpenAt              *time.Time
	SalesCloseAt             *time.Time
	MaxTicketsPerReservation int
	MaxTicketsPerCustomer    *int
	PaymentAttempts          int
	CreatedAt                time.Time
}

// Exists reports whether the event has been created and not deleted.
func (s State) Exists() bool { return s.Status != nonexistent && !s.Deleted }

// OnSale reports whether customers may reserve at the time now: sales are open and the sales window, if any, has not ended; or the
// window has begun and the saga has yet to open sales.
func (s State) OnSale(now time.Time) bool {
	if s.SalesCloseAt != nil && !now.Before(*s.SalesCloseAt) {
		return false
	}
	return s.Status == SalesOpen || (s.Status == Published && s.SalesOpenAt != nil && !now.Before(*s.SalesOpenAt))
}

// Evolve returns the state after e.
func Evolve(s State, e DomainEvent) State {
	switch e := e.(type) {
	case EventCreated:
		return State{
			Status: Draft, OrganizerID: e.OrganizerID, Name: e.Name, Description: e.Description, Venue: e.Venue,
			StartsAt: e.StartsAt, SalesOpenAt: e.SalesOpenAt, SalesCloseAt: e.SalesCloseAt,
			MaxTicketsPerReservation: e.MaxTicketsPerReservation, MaxTicketsPerCustomer: e.MaxTicketsPerCustomer,
			PaymentAttempts: e.PaymentAttempts, CreatedAt: e.CreatedAt,
		}
	case EventUpdated:
		s.Name, s.Description, s.Venue = e.Name, e.Description, e.Venue
		s.StartsAt, s.SalesOpenAt, s.SalesCloseAt = e.StartsAt, e.SalesOpenAt, e.SalesCloseAt
	case EventPublished:
		s.Status, s.Published = Published, true
	case DraftDeleted:
		s.Deleted = true
	case SalesOpened:
		s.Status = SalesOpen
	case SalesClosed:
		s.Status = SalesShut
	case EventCancelled:
		s.Status = Cancelled
	case EventCompleted:
		s.Status = Completed
	}
	return s
}
