package event

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
)

// allowed lists the commands that each state accepts, and the state that follows. All others are INVALID_STATE.
func TestLifecycle(t *testing.T) {
	selling := withWindow(created, nil, new(startsAt.Add(time.Hour))) // so that sales have not ended when it can be completed
	states := map[Status][]DomainEvent{
		Draft:     {selling},
		Published: {selling, published},
		SalesOpen: {selling, published, open},
		SalesShut: {selling, published, open, shut},
		Cancelled: {selling, published, cancelled},
		Completed: {selling, published, completed},
	}
	commands := map[string]Command{
		"publish": Publish{}, "open": OpenSales{}, "close": CloseSales{}, "cancel": Cancel{Reason: "rain"}, "complete": Complete{},
	}
	allowed := map[Status]map[string]Status{
		Draft:     {"publish": Published, "cancel": Cancelled},
		Published: {"open": SalesOpen, "cancel": Cancelled, "complete": Completed},
		SalesOpen: {"close": SalesShut, "cancel": Cancelled, "complete": Completed},
		SalesShut: {"open": SalesOpen, "cancel": Cancelled, "complete": Completed},
		Cancelled: {},
		Completed: {},
	}
	for from, history := range states {
		for name, command := range commands {
			t.Run(string(from)+"/"+name, func(t *testing.T) {
				o := Given(t, history...).At(startsAt).When(command)
				to, ok := allowed[from][name]
				if !ok {
					o.ThenRejected(rejection.InvalidState)
					return
				}
				require.Equal(t, to, o.ThenAccepted().State().Status)
			})
		}
	}
}

func TestOnlyWhatWasNeverPublishedCanBeDeleted(t *testing.T) {
	for name, history := range map[string][]DomainEvent{"a draft": {created}, "a cancelled draft": {created, cancelled}} {
		t.Run(name, func(t *testing.T) {
			s := Given(t, history...).When(DeleteDraft{}).Then(DraftDeleted{}).State()
			require.False(t, s.Exists())
		})
	}
	for name, history := range map[string][]DomainEvent{
		"published": {created, published}, "open": {created, published, open}, "closed": {created, published, open, shut},
		"cancelled": {created, published, cancelled}, "completed": {created, published, completed},
	} {
		t.Run(name, func(t *testing.T) { Given(t, history...).When(DeleteDraft{}).ThenRejected(rejection.InvalidState) })
	}
}

func TestADeletedDraftIsNotThere(t *testing.T) {
	deleted := Given(t, created, DraftDeleted{})
	for _, c := range []Command{Update{}, Publish{}, OpenSales{}, OpenSales{Scheduled: true}, CloseSales{}, Cancel{}, Complete{}, DeleteDraft{}} {
		deleted.When(c).ThenRejected(rejection.NotFound, "eventId")
	}
	deleted.When(concert).ThenRejected(rejection.InvalidState)
}

func TestPublish(t *testing.T) { Given(t, created).When(Publish{}).Then(published) }

func TestCancelKeepsItsReason(t *testing.T) {
	Given(t, created, published, open).When(Cancel{Reason: "rain"}).Then(cancelled)
}

func TestTheReasonOfACancellationIsBounded(t *testing.T) {
	Given(t, created).When(Cancel{Reason: strings.Repeat("é", LongestReason)}).ThenAccepted()
	Given(t, created).When(Cancel{Reason: strings.Repeat("é", LongestReason+1)}).ThenRejected(rejection.Invalid, "reason")
}

func TestAnEventIsCompletedOnlyAfterItBegan(t *testing.T) {
	s := Given(t, created, published, open, shut)
	s.At(startsAt.Add(-time.Nanosecond)).When(Complete{}).ThenRejected(rejection.InvalidState)
	s.At(startsAt).When(Complete{}).Then(completed)
}

func TestStatusIsThatOfTheAPI(t *testing.T) {
	require.Equal(t, []Status{"DRAFT", "PUBLISHED", "SALES_OPEN", "SALES_CLOSED", "CANCELLED", "COMPLETED"},
		[]Status{Draft, Published, SalesOpen, SalesShut, Cancelled, Completed})
	require.False(t, State{}.Exists())
	require.True(t, Given(t, created).State().Exists())
}
