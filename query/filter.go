package query

import "time"

// Filter narrows a list of reservations or payments. Its conditions are combined with AND; a nil field is none.
type Filter struct {
	Status        *string
	EventID       *string
	CustomerID    *string
	CreatedAfter  *time.Time // at this moment or later
	CreatedBefore *time.Time
}

// PaymentFilter narrows a list of payments.
type PaymentFilter struct {
	Filter

	Gateway *string
	// WaitingRefunds narrows it to payments of which money is left and a refund waits: it is pending, or the gateway refused it. Only PaymentPage
	// knows it.
	WaitingRefunds bool
}

// Owner is what the lists that are read together belong to.
type Owner int

// Lists belong to customers or to events.
const (
	OfCustomers Owner = iota
	OfEvents
)

// ownerID returns the id that is the owner's.
func (o Owner) ownerID(eventID, customerID string) string {
	if o == OfEvents {
		return eventID
	}
	return customerID
}

// parseWindow parses the arguments of a page. The filter's range of time narrows the window, so that the index serves both.
func (f Filter) parseWindow(l list, args PageArgs) (window[instant], error) {
	w, err := parseWindow(args, afterAll, beforeAll, l.parseInstant)
	if f.CreatedBefore != nil {
		w.after = minInstant(w.after, instant{at: *f.CreatedBefore})
	}
	if f.CreatedAfter != nil {
		w.before = maxInstant(w.before, instant{at: *f.CreatedAfter})
	}
	return w, err
}

func minInstant(a, b instant) instant {
	if b.isBefore(a) {
		return b
	}
	return a
}

func maxInstant(a, b instant) instant {
	if b.isBefore(a) {
		return a
	}
	return b
}

// isBefore compares as the database does: by time, then by the bytes of the ids.
func (a instant) isBefore(b instant) bool {
	return a.at.Before(b.at) || (a.at.Equal(b.at) && a.id < b.id)
}
