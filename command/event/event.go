// Package event is the aggregate of an event, such as a concert: its description, its limits and whether its sales are open.
// It is pure: no context, I/O, clock or randomness. An event is what tickets are sold for; a domain event is a fact in the log.
package event

import "time"

// Category is the first part of the stream's id.
const Category = "event"

// Stream returns the id of the event's stream.
func Stream(eventID string) string { return Category + "-" + eventID }

// DomainEvent is one of the types below. Package catalog gives them their names in the log.
type DomainEvent interface{ isEvent() }

type (
	// EventCreated starts the stream.
	EventCreated struct {
		OrganizerID              string     `json:"organizerId"`
		Name                     string     `json:"name"`
		Description              string     `json:"description,omitempty"`
		Venue                    string     `json:"venue"`
		StartsAt                 time.Time  `json:"startsAt"`
		TimeZone                 string     `json:"timeZone"`
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
		TimeZone     string     `json:"timeZone"`
		SalesOpenAt  *time.Time `json:"salesOpenAt,omitempty"`
		SalesCloseAt *time.Time `json:"salesCloseAt,omitempty"`
		Limits       *Limits    `json:"limits,omitempty"` // nil: as they were
		Was          *Place     `json:"was,omitempty"`    // where and when it was to be, if it has moved since it was published
		Reason       string     `json:"reason,omitempty"` // for customers
	}

	// Place is where and when an event takes place.
	Place struct {
		Venue    string    `json:"venue"`
		StartsAt time.Time `json:"startsAt"`
		TimeZone string    `json:"timeZone"`
	}

	// Limits are what a customer may do; all of them as they are from now on.
	Limits struct {
		MaxTicketsPerReservation int  `json:"maxTicketsPerReservation"`
		MaxTicketsPerCustomer    *int `json:"maxTicketsPerCustomer,omitempty"` // nil: no limit
		PaymentAttempts          int  `json:"paymentAttempts"`
	}

	// EventPublished makes a draft visible to the public.
	EventPublished struct{}

	// DraftDeleted removes an event that was never published: afterwards there is no such event.
	DraftDeleted struct{}

	// SalesOpened lets customers reserve. Scheduled is true if the sales window opened them, not the organizer.
	SalesOpened struct {
		Scheduled bool `json:"scheduled,omitempty"`
	}

	// SalesClosed ends reserving; existing reservations can still be paid.
	SalesClosed struct {
		Scheduled bool `json:"scheduled,omitempty"`
	}

	// EventCancelled ends everything: nothing of the event is confirmed after it.
	EventCancelled struct {
		Reason string `json:"reason,omitempty"`
	}

	// EventCompleted says that the event took place.
	EventCompleted struct{}
)

func (EventCreated) isEvent()   {}
func (EventUpdated) isEvent()   {}
func (EventPublished) isEvent() {}
func (DraftDeleted) isEvent()   {}
func (SalesOpened) isEvent()    {}
func (SalesClosed) isEvent()    {}
func (EventCancelled) isEvent() {}
func (EventCompleted) isEvent() {}
