package event

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
)

// updated returns the EventUpdated that changes nothing of e.
func updated(e EventCreated) EventUpdated {
	return EventUpdated{
		Name: e.Name, Description: e.Description, Venue: e.Venue, StartsAt: e.StartsAt, TimeZone: e.TimeZone, SalesOpenAt: e.SalesOpenAt, SalesCloseAt: e.SalesCloseAt,
	}
}

func TestUpdateChangesWhatIsGivenAndLeavesTheRest(t *testing.T) {
	renamed := updated(createdWithWindow)
	renamed.Name, renamed.Description = "Gig", ""
	s := Given(t, createdWithWindow).When(Update{Name: new("Gig"), Description: new("")}).Then(renamed).State()
	require.Equal(t, []any{"Gig", "", "Hall", startsAt, &opensAt, Draft}, []any{s.Name, s.Description, s.Venue, s.StartsAt, s.SalesOpenAt, s.Status})

	moved := updated(created)
	moved.Venue, moved.StartsAt = "Arena", startsAt.AddDate(0, 1, 0)
	moved.SalesOpenAt, moved.SalesCloseAt = &opensAt, &closesAt
	Given(t, created).When(Update{Venue: new("Arena"), StartsAt: &moved.StartsAt, SalesOpenAt: &opensAt, SalesCloseAt: &closesAt}).Then(moved)
}

func TestAMoveOfWhatWasPublishedSaysWhereItWas(t *testing.T) {
	later := startsAt.AddDate(0, 1, 0)
	moved := updated(created)
	moved.StartsAt, moved.Reason, moved.Was = later, "the singer is ill", &Place{Venue: "Hall", StartsAt: startsAt, TimeZone: "Europe/Berlin"}
	Given(t, created, published).When(Update{StartsAt: &later, Reason: "the singer is ill"}).Then(moved)
	moved.Was = nil
	Given(t, created).When(Update{StartsAt: &later, Reason: "the singer is ill"}).Then(moved)
	Given(t, created, published).When(Update{Reason: "nothing changes"}).ThenNothing()
	Given(t, created, published).When(Update{Name: new("Gig"), Reason: strings.Repeat("x", LongestReason+1)}).ThenRejected(rejection.Invalid, "reason")
}

// A domain event without a change would make the log and all that follow it longer, for nothing.
func TestUpdateThatChangesNothingLeadsToNothing(t *testing.T) {
	Given(t, createdWithWindow).When(Update{}).ThenNothing()
	elsewhere := time.FixedZone("elsewhere", 3600)
	Given(t, createdWithWindow).When(Update{
		Name: new("Concert"), Description: new("Loud."), Venue: new("Hall"), StartsAt: new(startsAt.In(elsewhere)),
		SalesOpenAt: new(opensAt.In(elsewhere)), SalesCloseAt: new(closesAt.In(elsewhere)),
	}).ThenNothing()
	Given(t, created, published, cancelled).When(Update{}).ThenRejected(rejection.InvalidState)
}

func TestUpdateChangesLimits(t *testing.T) {
	changed := updated(created)
	changed.Limits = &Limits{MaxTicketsPerReservation: 4, PaymentAttempts: 5}
	s := Given(t, created, published, open).
		When(Update{MaxTicketsPerReservation: new(4), ClearMaxTicketsPerCustomer: true, PaymentAttempts: new(5)}).Then(changed).State()
	require.Equal(t, []any{4, (*int)(nil), 5, SalesOpen}, []any{s.MaxTicketsPerReservation, s.MaxTicketsPerCustomer, s.PaymentAttempts, s.Status})
	Given(t, created).When(Update{MaxTicketsPerReservation: new(10), MaxTicketsPerCustomer: new(20), PaymentAttempts: new(3)}).ThenNothing()
}

func TestLimitsLeaveRoomForWhatCustomersHave(t *testing.T) {
	held := Held{MostOfReservation: 3, MostOfCustomer: 5}
	selling := Given(t, created, published, open)
	selling.When(Update{MaxTicketsPerReservation: new(2), Held: held}).ThenRejected(rejection.Invalid, "maxTicketsPerReservation")
	selling.When(Update{MaxTicketsPerReservation: new(3), Held: held}).ThenAccepted()
	selling.When(Update{MaxTicketsPerCustomer: new(4), Held: held}).ThenRejected(rejection.Invalid, "maxTicketsPerCustomer")
	selling.When(Update{MaxTicketsPerCustomer: new(5), Held: held}).ThenAccepted()
	selling.When(Update{MaxTicketsPerReservation: new(0)}).ThenRejected(rejection.Invalid, "maxTicketsPerReservation")
	selling.When(Update{MaxTicketsPerCustomer: new(MostTicketsPerCustomer + 1)}).ThenRejected(rejection.Invalid, "maxTicketsPerCustomer")
	selling.When(Update{PaymentAttempts: new(MostPaymentAttempts + 1)}).ThenRejected(rejection.Invalid, "paymentAttempts")
}

func TestUpdateTouchesNeitherLimitsNorSales(t *testing.T) {
	s := Given(t, created, published, open).When(Update{Name: new("Gig")}).State()
	require.Equal(t, SalesOpen, s.Status)
	require.Equal(t, []int{10, 20, 3}, []int{s.MaxTicketsPerReservation, *s.MaxTicketsPerCustomer, s.PaymentAttempts})
}

func TestUpdateRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		update Update
		field  string
	}{
		"no name":                       {Update{Name: new("")}, "name"},
		"no venue":                      {Update{Venue: new("")}, "venue"},
		"a start right now":             {Update{StartsAt: new(now)}, "startsAt"},
		"sales that end now":            {Update{SalesCloseAt: new(now)}, "salesCloseAt"},
		"sales that open at the start":  {Update{SalesOpenAt: &startsAt}, "salesOpenAt"},
		"a start before sales open":     {Update{StartsAt: new(opensAt.Add(-time.Hour))}, "salesOpenAt"},
		"an opening after the closing":  {Update{SalesOpenAt: new(closesAt.Add(time.Hour))}, "salesCloseAt"},
		"a closing before the opening":  {Update{SalesCloseAt: new(opensAt.Add(-time.Hour))}, "salesCloseAt"},
		"a closing that is the opening": {Update{SalesCloseAt: &opensAt}, "salesCloseAt"},
	} {
		t.Run(name, func(t *testing.T) {
			Given(t, createdWithWindow).When(c.update).ThenRejected(rejection.Invalid, c.field)
		})
	}
}

func TestANameCanBeCorrectedAfterSalesHaveEnded(t *testing.T) {
	Given(t, createdWithWindow, published).At(closesAt.Add(time.Hour)).When(Update{Name: new("Gig")}).ThenAccepted()
	Given(t, createdWithWindow, published).At(startsAt.Add(time.Hour)).When(Update{Description: new("It was loud.")}).ThenAccepted()
}

func TestUpdateIsPossibleUntilTheEventIsOver(t *testing.T) {
	for name, history := range map[string][]DomainEvent{
		"draft": {created}, "published": {created, published}, "open": {created, published, open}, "shut": {created, published, open, shut},
	} {
		t.Run(name, func(t *testing.T) { Given(t, history...).When(Update{Name: new("Gig")}).ThenAccepted() })
	}
	Given(t, created, published, cancelled).When(Update{Name: new("Gig")}).ThenRejected(rejection.InvalidState)
	Given(t, created, published, completed).When(Update{Name: new("Gig")}).ThenRejected(rejection.InvalidState)
}

func TestAnEventTakesPlaceByTheClocksOfItsTimeZone(t *testing.T) {
	c := concert
	c.TimeZone = ""
	require.Equal(t, "UTC", Given(t).When(c).ThenAccepted().State().TimeZone, "unless said")
	require.Equal(t, "UTC", Given(t, EventCreated{Name: "Before there were time zones"}).State().TimeZone)

	moved := Given(t, created).When(Update{TimeZone: new("America/New_York")}).ThenAccepted().State()
	require.Equal(t, "America/New_York", moved.Place().Local().Location().String())
	require.Equal(t, created.StartsAt, moved.StartsAt, "the moment stays")
	Given(t, created).When(Update{TimeZone: new("")}).ThenRejected(rejection.Invalid, "timeZone")
}
