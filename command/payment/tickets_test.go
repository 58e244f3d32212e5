package payment

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
)

func ticket(ordinal int, minor int64) Ticket {
	return Ticket{Ordinal: ordinal, Section: "Stalls", Price: eur(minor)}
}

func askTickets(refundID string, tickets ...Ticket) RequestRefund {
	return RequestRefund{RefundID: refundID, Tickets: tickets, Cause: CauseRequested, Reason: "rain"}
}

// askedTickets is what askTickets leads to.
func askedTickets(refundID string, minor int64, tickets ...Ticket) RefundRequested {
	e := asked(refundID, minor)
	e.Tickets = tickets
	return e
}

func TestTicketsAreRefundedAtTheirPrice(t *testing.T) {
	both := []Ticket{ticket(0, 20_00), ticket(2, 15_00)}
	past := Given(t, initiated, completed).When(askTickets("rfd_1", both...)).Then(askedTickets("rfd_1", 35_00, both...)).And()
	done := given("rfd_1", 35_00)
	done.Tickets = both
	require.Equal(t, PartiallyRefunded, past.When(recorded("rfd_1")).Then(done).State().Status)
}

func TestATicketIsRefundedOnce(t *testing.T) {
	first := askedTickets("rfd_1", 20_00, ticket(0, 20_00))
	for name, history := range map[string][]DomainEvent{
		"pending": {initiated, completed, first}, "given": {initiated, completed, first, given("rfd_1", 20_00)},
	} {
		t.Run(name, func(t *testing.T) {
			Given(t, history...).When(askTickets("rfd_2", ticket(1, 20_00), ticket(0, 20_00))).ThenRejected(rejection.InvalidState, "tickets", "1")
			Given(t, history...).When(askTickets("rfd_2", ticket(1, 20_00))).ThenAccepted()
		})
	}
	failed := Given(t, initiated, completed, first, refused("rfd_1")).When(askTickets("rfd_2", ticket(0, 20_00))).Then(askedTickets("rfd_2", 20_00, ticket(0, 20_00)))
	failed.And().When(RetryRefund{RefundID: "rfd_1"}).ThenRejected(rejection.InvalidState)
}

func TestTicketsThatCannotBeRefunded(t *testing.T) {
	Given(t, initiated, completed, asked("rfd_1", 60_00)).When(askTickets("rfd_2", ticket(0, 20_00))).ThenRejected(rejection.Invalid, "tickets")
	Given(t, initiated, completed).When(askTickets("rfd_1", ticket(0, 0))).ThenRejected(rejection.Invalid, "tickets")
	Given(t, initiated, completed, disputed).When(askTickets("rfd_1", ticket(0, 20_00))).ThenRejected(rejection.InvalidState)
	Given(t, initiated, failed).When(askTickets("rfd_1", ticket(0, 20_00))).ThenRejected(rejection.InvalidState)
}
