package shop

import (
	"slices"
	"strings"
	"time"
)

// The parts of the API's types that pages select. Texts that are null there are empty here.

type money struct {
	Amount       string
	CurrencyCode string
}

// IsFree reports whether it is nothing.
func (m money) IsFree() bool { return strings.Trim(m.Amount, "0.") == "" }

// Digits returns it in minor units, as gateways count.
func (m money) Digits() string { return strings.Replace(m.Amount, ".", "", 1) }

type section struct {
	Name      string
	Price     money
	Capacity  int
	Available int
	Seats     struct{ Nodes []struct{ Label string } } // the first
}

// IsSeated reports whether the section has numbered seats.
func (s section) IsSeated() bool { return len(s.Seats.Nodes) > 0 }

type event struct {
	ID                       string
	Version                  int
	InventoryVersion         int
	Name                     string
	Description              string
	Venue                    string
	StartsAt                 time.Time
	TimeZone                 string
	SalesOpenAt              *time.Time
	SalesCloseAt             *time.Time
	MaxTicketsPerReservation int
	Status                   string
	CancellationReason       string
	Sections                 []section
}

// Path returns the path of the event's page.
func (e event) Path() string { return eventPath(e) }

// State is what a customer can do: "open", "soldOut", "notYet", "closed", "cancelled" or "over".
func (e event) State() string {
	switch {
	case e.Status == "CANCELLED":
		return "cancelled"
	case e.Status == "COMPLETED":
		return "over"
	case e.Status == "PUBLISHED":
		return "notYet"
	case e.Status == "SALES_CLOSED":
		return "closed"
	case e.Available() == 0:
		return "soldOut"
	}
	return "open"
}

// Available returns how many tickets are left in all sections.
func (e event) Available() int {
	sum := 0
	for _, s := range e.Sections {
		sum += s.Available
	}
	return sum
}

// Cheapest returns the section with the lowest price, nil without sections. All sections have one currency.
func (e event) Cheapest() *section {
	if len(e.Sections) == 0 {
		return nil
	}
	least := slices.MinFunc(e.Sections, func(a, b section) int { return compareAmounts(a.Price.Amount, b.Price.Amount) })
	return &least
}

// HasOnePrice reports whether all sections cost the same.
func (e event) HasOnePrice() bool {
	return !slices.ContainsFunc(e.Sections, func(s section) bool { return s.Price != e.Sections[0].Price })
}

// compareAmounts compares decimals of one currency: they have the same number of digits after the point.
func compareAmounts(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// Most returns how many tickets of a section a reservation can have.
func (e event) Most(s section) int { return min(s.Available, e.MaxTicketsPerReservation) }

type refund struct {
	Amount money
	Status string
	Reason string
}

type payment struct {
	ID            string
	Status        string
	Gateway       string
	FailureReason string
	Amount        money
	Refunded      money
	Refunds       []refund
	NextAction    *struct{ RedirectURL, ClientSecret string }
}

type seat struct {
	Section string
	Label   string // "" for general admission
	Price   money
}

type ticket struct {
	ID      string
	Section string
	Label   string
	Status  string
	Code    string

	HolderName string // empty until one is named
}

type order struct {
	ID          string
	Version     int
	Status      string
	CreatedAt   time.Time
	ExpiresAt   time.Time
	CompletedAt *time.Time
	Event       *event
	Seats       []seat
	Tickets     []ticket
	Total       money
	Payments    []payment
}

// Path returns the path of the order's page.
func (o order) Path() string { return "/orders/" + o.ID }

// Zone returns the event's time zone.
func (o order) Zone() string {
	if o.Event == nil {
		return "UTC"
	}
	return o.Event.TimeZone
}

// Waiting returns the payment that waits for its customer, nil if there is none.
func (o order) Waiting() *payment {
	for i := range o.Payments {
		if o.Payments[i].Status == "REQUIRES_ACTION" {
			return &o.Payments[i]
		}
	}
	return nil
}

// Paid returns the payment that was taken, nil if there is none.
func (o order) Paid() *payment {
	for i, p := range o.Payments {
		if p.Status == "COMPLETED" || p.Status == "PARTIALLY_REFUNDED" || p.Status == "REFUNDED" {
			return &o.Payments[i]
		}
	}
	return nil
}

type contact struct{ Name, Email string }

type session struct {
	ID         string
	Current    bool
	UserAgent  string
	LastSeenAt time.Time
}

// Browser returns the names of the session's browser and system, as far as they are known.
func (s session) Browser() string {
	var names []string
	for _, list := range [][][2]string{
		{{"Firefox/", "Firefox"}, {"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}},
		{{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS", "macOS"}, {"Linux", "Linux"}},
	} {
		for _, known := range list {
			if strings.Contains(s.UserAgent, known[0]) {
				names = append(names, known[1])
				break
			}
		}
	}
	return strings.Join(names, ", ")
}

type user struct {
	ID       string
	Email    string // "" for guests
	IsGuest  bool
	Contact  *contact
	Sessions []session
}
