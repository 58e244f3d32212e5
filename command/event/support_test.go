package event

import (
	"time"

	"ticketing/command/scenario"
)

// The concert starts in a month. Its sales window, if any, opens in a day and closes in a week.
var (
	now      = scenario.Now
	opensAt  = now.AddDate(0, 0, 1)
	closesAt = now.AddDate(0, 0, 7)
	startsAt = now.AddDate(0, 1, 0)

	concert = Create{
		OrganizerID: "usr_org", Name: "Concert", Description: "Loud.", Venue: "Hall", StartsAt: startsAt, TimeZone: "Europe/Berlin",
		MaxTicketsPerReservation: 10, MaxTicketsPerCustomer: new(20), PaymentAttempts: 3,
	}
	created = EventCreated{
		OrganizerID: "usr_org", Name: "Concert", Description: "Loud.", Venue: "Hall", StartsAt: startsAt, TimeZone: "Europe/Berlin",
		MaxTicketsPerReservation: 10, MaxTicketsPerCustomer: new(20), PaymentAttempts: 3, CreatedAt: now,
	}
	createdWithWindow = withWindow(created, &opensAt, &closesAt)

	published = EventPublished{}
	open      = SalesOpened{}
	shut      = SalesClosed{}
	cancelled = EventCancelled{Reason: "rain"}
	completed = EventCompleted{}
)

func withWindow(e EventCreated, opens, closes *time.Time) EventCreated {
	e.SalesOpenAt, e.SalesCloseAt = opens, closes
	return e
}

func Given(t scenario.T, history ...DomainEvent) scenario.Past[State, Command, DomainEvent] {
	return scenario.Given(t, Decide, Evolve, history...)
}
