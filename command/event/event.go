// Package event is the aggregate of the occasion that tickets are sold for: its description, its limits and whether sales are open.
// It is pure: no context, I/O, clock or randomness. "Event" is the occasion; a fact in the log is a "domain event".
package event

import "time"

// Category is the first part of the stream's id.
const Category = "event"

// Stream answers the id of the stream that holds the event's domain events.
func Stream(eventID string) string { return Category + "-" + eventID }

// DomainEvent is one of the facts below. The names in the log are written out in Register, so that renaming a Go type can't
// break history.
type DomainEvent interface{ isEvent() }

type (
	// EventCreated starts the stream.
	EventCreated struct {
		OrganizerID              string     `json:"organizerId"`
		Name                     string     `json:"name"`
		Description              string     `json:"description,omitempty"`
		Venue                    string     `json:"venue"`
		StartsAt                 time.Time  `json:"startsAt"`
		SalesOpenAt              *time.Time `json:"salesOpenAt,omitempty"`
		SalesCloseAt             *time.Time `json:"salesCloseAt,omitempty"`
		MaxTicketsPerReservation int        `json:"maxTicketsPerReservation"`
		MaxTicketsPerCustomer    *int       `json:"maxTicketsPerCustomer,omitempty"`
		// PaymentAttempts is how many declined payments a reservation survives before it is compensated, plus one.
		PaymentAttempts int       `json:"paymentAttempts"`
		CreatedAt       time.Time `json:"createdAt"`
	}

	// EventUpdated carries the whole description as it is from now on.
	EventUpdated struct {
		Name         string     `json:"name"`
		Description  string     `json:"description,omitempty"`
		Venue        string     `json:"venue"`
		StartsAt     time.Time  `json:"startsAt"`
		SalesOpenAt  *time.Time `json:"salesOpenAt,omitempty"`
		SalesCloseAt *time.Time `json:"salesCloseAt,omitempty"`
	}

	// EventPublished makes a draft visible to everybody.
	EventPublished struct{}

	// SalesOpened lets customers reserve. Scheduled is true when the sales window opened them, not a person.
	SalesOpened struct {
		Scheduled bool `json:"scheduled,omitempty"`
	}

	// SalesClosed ends reserving; reservations that exist can still be paid.
	SalesClosed struct {
		Scheduled bool `json:"scheduled,omitempty"`
	}

	// EventCancelled ends everything: nothing of the event is confirmed after it.
	EventCancelled struct {
		Reason string `json:"reason,omitempty"`
	}

	// EventCompleted says that the occasion took place.
	EventCompleted struct{}
)

func (EventCreated) isEvent()   {}
func (EventUpdated) isEvent()   {}
func (EventPublished) isEvent() {}
func (SalesOpened) isEvent()    {}
func (SalesClosed) isEvent()    {}
func (EventCancelled) isEvent() {}
func (EventCompleted) isEvent() {}
