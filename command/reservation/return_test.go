package reservation

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
)

var returned = TicketsReturned{PaymentID: "pay_1", RefundID: "rfd_1", Tickets: []Ticket{{Ordinal: 1, Section: "Pit"}}, ReturnedAt: now}

func TestASingleTicketIsReturned(t *testing.T) {
	one := ReturnTickets{PaymentID: "pay_1", RefundID: "rfd_1", Ordinals: []int{1}}
	past := Given(t, initiated, requested, completed).When(one).Then(returned)
	require.Equal(t, Completed, past.State().Status)
	require.Equal(t, twoSeats, past.State().Seats, "what was reserved stays")
	require.Equal(t, twoSeats[:1], past.State().KeptSeats())
	past.And().When(one).ThenNothing()
	past.And().When(ReturnTickets{PaymentID: "pay_1", RefundID: "rfd_2", Ordinals: []int{0, 1, 7, -1}}).
		Then(TicketsReturned{PaymentID: "pay_1", RefundID: "rfd_2", Tickets: []Ticket{{Ordinal: 0, Section: "Stalls"}}, ReturnedAt: now})
	past.And().When(Refund{PaymentID: "pay_1"}).Then(refunded)
}

func TestOnlyTicketsOfACompletedReservationAreReturned(t *testing.T) {
	one := ReturnTickets{PaymentID: "pay_1", RefundID: "rfd_1", Ordinals: []int{1}}
	Given(t, initiated, requested).When(one).ThenRejected(rejection.InvalidState)
	Given(t, initiated, requested, completed, refunded).When(one).ThenRejected(rejection.InvalidState)
	one.PaymentID = "pay_2"
	Given(t, initiated, requested, completed).When(one).ThenRejected(rejection.InvalidState)
}

func TestReturningATicketLeavesTheStateBeforeItUnchanged(t *testing.T) {
	state := Given(t, initiated, requested, completed, returned).State()
	Evolve(state, TicketsReturned{Tickets: []Ticket{{Ordinal: 0}}})
	require.Equal(t, []int{1}, state.Returned)
}
