package event

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
)

const moment = time.Nanosecond

var (
	scheduledOpen  = OpenSales{Scheduled: true}
	scheduledClose = CloseSales{Scheduled: true}
)

func TestTicketsAreOnSaleBetweenOpeningAndClosing(t *testing.T) {
	for name, c := range map[string]struct {
		history []DomainEvent
		onSale  bool
	}{
		"nothing":   {nil, false},
		"draft":     {[]DomainEvent{created}, false},
		"published": {[]DomainEvent{created, published}, false},
		"open":      {[]DomainEvent{created, published, open}, true},
		"shut":      {[]DomainEvent{created, published, open, shut}, false},
		"reopened":  {[]DomainEvent{created, published, open, shut, open}, true},
		"cancelled": {[]DomainEvent{created, published, open, cancelled}, false},
		"completed": {[]DomainEvent{created, published, open, completed}, false},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.onSale, Given(t, c.history...).State().OnSale(now)) })
	}
}

// A saga that is late or frozen sells no ticket too early or too late.
func TestTheSalesWindowFollowsTheClock(t *testing.T) {
	waiting := Given(t, createdWithWindow, published).State()
	require.False(t, waiting.OnSale(opensAt.Add(-moment)))
	require.True(t, waiting.OnSale(opensAt), "the saga that opens sales may be late")
	require.True(t, waiting.OnSale(closesAt.Add(-moment)))
	require.False(t, waiting.OnSale(closesAt))

	selling := Given(t, createdWithWindow, published, open).State()
	require.True(t, selling.OnSale(closesAt.Add(-moment)))
	require.False(t, selling.OnSale(closesAt), "the saga that closes sales may be late")
}

func TestAWindowSellsNoDraftAndOverrulesNoOrganizer(t *testing.T) {
	require.False(t, Given(t, createdWithWindow).State().OnSale(opensAt))
	require.False(t, Given(t, createdWithWindow, published, open, shut).State().OnSale(opensAt))
	require.False(t, Given(t, createdWithWindow, published, cancelled).State().OnSale(opensAt))
	require.False(t, Given(t, withWindow(created, nil, &closesAt), published).State().OnSale(now), "an end alone opens nothing")
}

func TestAnOrganizerMayOpenSalesBeforeTheWindow(t *testing.T) {
	s := Given(t, createdWithWindow, published).When(OpenSales{}).Then(open).State()
	require.True(t, s.OnSale(now))
}

func TestAnOrganizerCannotOpenSalesAfterTheWindow(t *testing.T) {
	s := Given(t, createdWithWindow, published, open, shut)
	s.At(closesAt.Add(-moment)).When(OpenSales{}).Then(open)
	s.At(closesAt).When(OpenSales{}).ThenRejected(rejection.InvalidState)
	s.At(closesAt).When(Update{SalesCloseAt: &startsAt}).And().When(OpenSales{}).Then(open)
}

func TestScheduledOpening(t *testing.T) {
	due := Given(t, createdWithWindow, published)
	due.At(opensAt.Add(-moment)).When(scheduledOpen).ThenNothing()
	due.At(opensAt).When(scheduledOpen).Then(SalesOpened{Scheduled: true})
	due.At(closesAt).When(scheduledOpen).ThenNothing()
	Given(t, created, published).When(scheduledOpen).ThenNothing()
}

func TestScheduledOpeningNeverOverrulesAnOrganizer(t *testing.T) {
	for name, history := range map[string][]DomainEvent{
		"not published": {createdWithWindow},
		"opened":        {createdWithWindow, published, open},
		"closed":        {createdWithWindow, published, open, shut},
		"cancelled":     {createdWithWindow, published, cancelled},
		"completed":     {createdWithWindow, published, completed},
		"repeated":      {createdWithWindow, published, SalesOpened{Scheduled: true}},
	} {
		t.Run(name, func(t *testing.T) { Given(t, history...).At(opensAt).When(scheduledOpen).ThenNothing() })
	}
}

func TestScheduledClosing(t *testing.T) {
	selling := Given(t, createdWithWindow, published, open)
	selling.At(closesAt.Add(-moment)).When(scheduledClose).ThenNothing()
	selling.At(closesAt).When(scheduledClose).Then(SalesClosed{Scheduled: true})
	Given(t, created, published, open).At(startsAt.Add(-moment)).When(scheduledClose).ThenNothing()
	Given(t, created, published, open).At(startsAt).When(scheduledClose).Then(SalesClosed{Scheduled: true})
	Given(t, created, published).At(startsAt).When(scheduledClose).ThenNothing()
	Given(t, createdWithWindow, published).At(closesAt).When(scheduledClose).Then(SalesClosed{Scheduled: true})
}

func TestSalesEndWhenTheEventStartsUnlessSaid(t *testing.T) {
	selling := Given(t, created, published, open)
	require.True(t, selling.State().OnSale(startsAt.Add(-moment)))
	require.False(t, selling.State().OnSale(startsAt))
	longer := created
	longer.SalesCloseAt = new(startsAt.Add(time.Hour))
	require.True(t, Given(t, longer, published, open).State().OnSale(startsAt))
}

func TestASecondPhaseOpens(t *testing.T) {
	second := opensAt.AddDate(0, 0, 2)
	s := Given(t, createdWithWindow, published, SalesOpened{Scheduled: true}, shut).At(opensAt.Add(time.Hour)).
		When(Update{SalesOpenAt: &second}).ThenAccepted().And()
	require.False(t, s.State().OnSale(second.Add(-moment)))
	require.True(t, s.State().OnSale(second))
	s.At(second.Add(-moment)).When(scheduledOpen).ThenNothing()
	s.At(second).When(scheduledOpen).Then(SalesOpened{Scheduled: true})
}

func TestAWindowThatIsExtendedAfterItClosedReopens(t *testing.T) {
	later := closesAt.AddDate(0, 0, 7)
	s := Given(t, createdWithWindow, published, open, SalesClosed{Scheduled: true}).At(closesAt.Add(time.Hour)).
		When(Update{SalesCloseAt: &later}).ThenAccepted().And()
	s.At(closesAt.Add(time.Hour)).When(scheduledOpen).Then(SalesOpened{Scheduled: true})
	s.At(later).When(scheduledOpen).ThenNothing()
}

func TestSalesCanBeClosedByHandBeforeTheSagaHasOpenedThem(t *testing.T) {
	Given(t, createdWithWindow, published).At(opensAt).When(CloseSales{}).Then(shut)
	Given(t, createdWithWindow, published).At(opensAt.Add(-moment)).When(CloseSales{}).ThenRejected(rejection.InvalidState)
}

func TestScheduledClosingNeverOverrulesAnOrganizer(t *testing.T) {
	for name, history := range map[string][]DomainEvent{
		"not published": {createdWithWindow},
		"closed":        {createdWithWindow, published, open, shut},
		"cancelled":     {createdWithWindow, published, open, cancelled},
		"completed":     {createdWithWindow, published, open, completed},
		"repeated":      {createdWithWindow, published, open, SalesClosed{Scheduled: true}},
	} {
		t.Run(name, func(t *testing.T) { Given(t, history...).At(closesAt).When(scheduledClose).ThenNothing() })
	}
	longer := updated(createdWithWindow)
	longer.SalesCloseAt = &startsAt
	Given(t, createdWithWindow, published, open, longer).At(closesAt).When(scheduledClose).ThenNothing()
}
