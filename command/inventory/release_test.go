package inventory

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
)

func TestReleaseOfSingleSeats(t *testing.T) {
	mine := held("rsv_1", alice, seats("A-1", "A-2"), standing(3))
	part := []Item{seats("A-1"), standing(2)}
	history := []DomainEvent{stalls, pit, mine, sold(mine)}
	released := SeatsReleased{ReservationID: "rsv_1", CustomerID: alice, Items: part, Sold: true}
	Given(t, history...).When(Release{ReservationID: "rsv_1", Items: part}).Then(released)
	s := Given(t, append(history, released)...).State()
	require.Equal(t, Holding{CustomerID: alice, Items: []Item{seats("A-2"), standing(1)}, Sold: true}, s.Holdings["rsv_1"])
	require.Equal(t, 2, s.Tickets[alice])
	require.Equal(t, 6, s.Section("Stalls").Available())
	Given(t, append(history, released)...).When(reserve(bob, named("A-1"))).ThenAccepted()

	s = Revert(s, released)
	require.Equal(t, 5, s.Tickets[alice])
	require.ElementsMatch(t, []string{"A-1", "A-2"}, s.Holdings["rsv_1"].Items[0].Labels)
}

func TestReleaseOfTheLastSeatsEndsTheHolding(t *testing.T) {
	mine := held("rsv_1", alice, seats("A-1"), standing(1))
	first := SeatsReleased{ReservationID: "rsv_1", CustomerID: alice, Items: []Item{seats("A-1")}}
	rest := SeatsReleased{ReservationID: "rsv_1", CustomerID: alice, Items: []Item{standing(1)}}
	Given(t, stalls, pit, mine, first).When(Release{ReservationID: "rsv_1"}).Then(rest)
	require.Empty(t, Given(t, stalls, pit, mine, first, rest).State().Holdings)
}

func TestReleaseRefusesWhatTheReservationDoesNotHave(t *testing.T) {
	mine := held("rsv_1", alice, seats("A-1"), standing(1))
	for _, other := range []Item{seats("A-2"), seats("A-1", "A-1"), standing(2), standing(0), {Section: "Stalls", Quantity: 1}, {Section: "Box", Quantity: 1}} {
		Given(t, stalls, pit, mine).When(Release{ReservationID: "rsv_1", Items: []Item{other}}).ThenRejected(rejection.InvalidState)
	}
}
