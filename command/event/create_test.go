package event

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
)

func TestCreateMakesADraft(t *testing.T) {
	s := Given(t).When(concert).Then(created).State()
	require.Equal(t, State{
		Status: Draft, OrganizerID: "usr_org", Name: "Concert", Description: "Loud.", Venue: "Hall", StartsAt: startsAt, TimeZone: "Europe/Berlin",
		MaxTicketsPerReservation: 10, MaxTicketsPerCustomer: new(20), PaymentAttempts: 3, CreatedAt: now,
	}, s)
}

func TestCreateWithASalesWindow(t *testing.T) {
	c := concert
	c.SalesOpenAt, c.SalesCloseAt = &opensAt, &closesAt
	s := Given(t).When(c).Then(createdWithWindow).State()
	require.Equal(t, []*time.Time{&opensAt, &closesAt}, []*time.Time{s.SalesOpenAt, s.SalesCloseAt})
}

func TestCreateWithoutALimitPerCustomer(t *testing.T) {
	c := concert
	c.MaxTicketsPerCustomer = nil
	require.Nil(t, Given(t).When(c).ThenAccepted().State().MaxTicketsPerCustomer)
}

func TestAnEventIsCreatedOnce(t *testing.T) {
	Given(t, created).When(concert).ThenRejected(rejection.InvalidState)
}

func TestCreateRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Create)
		field  string
	}{
		"no name":                      {func(c *Create) { c.Name = "" }, "name"},
		"no venue":                     {func(c *Create) { c.Venue = "" }, "venue"},
		"a blank name":                 {func(c *Create) { c.Name = " \t" }, "name"},
		"a name that is too long":      {func(c *Create) { c.Name = strings.Repeat("é", LongestName+1) }, "name"},
		"too long a description":       {func(c *Create) { c.Description = strings.Repeat("é", LongestDescription+1) }, "description"},
		"a venue that is too long":     {func(c *Create) { c.Venue = strings.Repeat("é", LongestVenue+1) }, "venue"},
		"a start in the past":          {func(c *Create) { c.StartsAt = now.Add(-time.Second) }, "startsAt"},
		"a start right now":            {func(c *Create) { c.StartsAt = now }, "startsAt"},
		"sales that ended":             {func(c *Create) { c.SalesCloseAt = new(now) }, "salesCloseAt"},
		"sales that open at the start": {func(c *Create) { c.SalesOpenAt = &startsAt }, "salesOpenAt"},
		"sales that end as they open":  {func(c *Create) { c.SalesOpenAt, c.SalesCloseAt = &opensAt, &opensAt }, "salesCloseAt"},
		"sales that end before":        {func(c *Create) { c.SalesOpenAt, c.SalesCloseAt = &closesAt, &opensAt }, "salesCloseAt"},
		"an unknown time zone":         {func(c *Create) { c.TimeZone = "Europe/Atlantis" }, "timeZone"},
		"the server's time zone":       {func(c *Create) { c.TimeZone = "Local" }, "timeZone"},
		"no ticket a reservation":      {func(c *Create) { c.MaxTicketsPerReservation = 0 }, "maxTicketsPerReservation"},
		"too many a reservation":       {func(c *Create) { c.MaxTicketsPerReservation = MostTicketsPerReservation + 1 }, "maxTicketsPerReservation"},
		"no ticket a customer":         {func(c *Create) { c.MaxTicketsPerCustomer = new(0) }, "maxTicketsPerCustomer"},
		"too many a customer":          {func(c *Create) { c.MaxTicketsPerCustomer = new(MostTicketsPerCustomer + 1) }, "maxTicketsPerCustomer"},
		"no payment attempt":           {func(c *Create) { c.PaymentAttempts = 0 }, "paymentAttempts"},
		"too many payment attempts":    {func(c *Create) { c.PaymentAttempts = MostPaymentAttempts + 1 }, "paymentAttempts"},
	} {
		t.Run(name, func(t *testing.T) {
			command := concert
			c.change(&command)
			Given(t).When(command).ThenRejected(rejection.Invalid, c.field)
		})
	}
}

func TestCreateTakesTheMostThereMayBe(t *testing.T) {
	c := concert
	c.MaxTicketsPerReservation, c.MaxTicketsPerCustomer, c.PaymentAttempts = MostTicketsPerReservation, new(MostTicketsPerCustomer), MostPaymentAttempts
	Given(t).When(c).ThenAccepted()
	c.MaxTicketsPerReservation, c.MaxTicketsPerCustomer, c.PaymentAttempts = 1, new(1), 1
	Given(t).When(c).ThenAccepted()
}

// Sales may have begun already, and may go on after the doors open.
func TestCreateAllowsAWindowAroundNowAndTheStart(t *testing.T) {
	c := concert
	c.SalesOpenAt, c.SalesCloseAt = new(now.Add(-time.Hour)), new(startsAt.Add(time.Hour))
	Given(t).When(c).ThenAccepted()
}

func TestNothingCanBeDoneToAnEventThatIsNotThere(t *testing.T) {
	for _, c := range []Command{Update{}, Publish{}, OpenSales{}, OpenSales{Scheduled: true}, CloseSales{}, CloseSales{Scheduled: true}, Cancel{}, Complete{}, DeleteDraft{}} {
		Given(t).When(c).ThenRejected(rejection.NotFound, "eventId")
	}
}

func TestStreamIsNamedAfterTheEvent(t *testing.T) {
	require.Equal(t, "event-evt_1", Stream("evt_1"))
}
