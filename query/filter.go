package query

import "time"

// Filter narrows a list of reservations or payments: what is given must all hold.
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
}

// Owner is whose lists are read together.
type Owner bool

// A page is read for each of several events, or for each of several customers.
const (
	OfCustomers Owner = false
	OfEvents    Owner = true
)

// of answers the owner's id of what has both.
func (o Owner) of(eventID, customerID string) string {
	if o == OfEvents {
		return eventID
	}
	return customerID
}

// window reads the arguments of a page; the range of time only narrows what lies between the cursors, and so the index does all of it.
func (f Filter) window(l list, args PageArgs) (window[instant], error) {
	w, err := parseWindow(args, afterAll, beforeAll, l.parseInstant)
	if f.CreatedBefore != nil {
		w.after = earlier(w.after, instant{at: *f.CreatedBefore})
	}
	if f.CreatedAfter != nil {
		w.before = later(w.before, instant{at: *f.CreatedAfter})
	}
	return w, err
}

func earlier(a, b instant) instant {
	if b.before(a) {
		return b
	}
	return a
}

func later(a, b instant) instant {
	if b.before(a) {
		return a
	}
	return b
}

// before compares as the database does: ids byte by byte.
func (a instant) before(b instant) bool {
	return a.at.Before(b.at) || (a.at.Equal(b.at) && a.id < b.id)
}
