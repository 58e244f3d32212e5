package inventory

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
)

var mine = held("rsv_1", alice, seats("A-1", "A-2"), standing(2))

func retake() Confirm {
	return Confirm{ReservationID: "rsv_1", Retake: &Retake{CustomerID: alice, Items: mine.Items}}
}

func TestConfirmSellsTheReservedSeats(t *testing.T) {
	s := Given(t, stalls, pit, mine).When(Confirm{ReservationID: "rsv_1"}).Then(sold(mine)).State()
	require.Equal(t, []int{0, 2, 5}, []int{s.Sections[0].Reserved, s.Sections[0].Sold, s.Sections[0].Available()})
	require.Equal(t, []int{0, 2, 3}, []int{s.Sections[1].Reserved, s.Sections[1].Sold, s.Sections[1].Available()})
	require.Equal(t, []SeatStatus{Sold, Sold, Available, Available}, s.Sections[0].Rows[0].Seats)
	require.True(t, s.Holdings["rsv_1"].Sold)
	require.Equal(t, 4, s.Tickets[alice])
}

func TestConfirmTwiceSellsOnce(t *testing.T) {
	Given(t, stalls, pit, mine, sold(mine)).When(Confirm{ReservationID: "rsv_1"}).ThenNothing()
	Given(t, stalls, pit, mine, sold(mine)).When(retake()).ThenNothing()
}

func TestConfirmNeedsSeats(t *testing.T) {
	Given(t, stalls, pit).When(Confirm{ReservationID: "rsv_1"}).ThenRejected(rejection.InvalidState)
	Given(t, stalls, pit, mine, freed(mine)).When(Confirm{ReservationID: "rsv_1"}).ThenRejected(rejection.InvalidState)
}

func TestLatePaymentReservesItsSeatsAgainIfTheyAreFree(t *testing.T) {
	s := Given(t, stalls, pit, mine, freed(mine)).When(retake()).Then(mine, sold(mine)).State()
	require.Equal(t, 4, s.Tickets[alice])
	require.True(t, s.Holdings["rsv_1"].Sold)
}

func TestLatePaymentOfSeatsThatAreStillReservedSellsThem(t *testing.T) {
	Given(t, stalls, pit, mine).When(retake()).Then(sold(mine))
}

func TestLatePaymentTakesNoSeatFromOthers(t *testing.T) {
	theirs := held("rsv_2", bob, seats("A-2"))
	Given(t, stalls, pit, mine, freed(mine), theirs).When(retake()).ThenRejected(rejection.SeatUnavailable)
	Given(t, stalls, pit, mine, freed(mine), theirs, sold(theirs)).When(retake()).ThenRejected(rejection.SeatUnavailable)
	Given(t, stalls, pit, mine, freed(mine), theirs, freed(theirs)).When(retake()).ThenAccepted()
}

func TestLatePaymentNeverExceedsCapacity(t *testing.T) {
	Given(t, stalls, pit, mine, freed(mine), held("rsv_2", bob, standing(4))).When(retake()).ThenRejected(rejection.InsufficientInventory)
	Given(t, stalls, pit, mine, freed(mine), held("rsv_2", bob, standing(3))).When(retake()).ThenAccepted()
}

func TestReleaseFreesReservedSeats(t *testing.T) {
	s := Given(t, stalls, pit, mine).When(Release{ReservationID: "rsv_1"}).Then(freed(mine)).State()
	require.Equal(t, Given(t, stalls, pit).State().Sections, s.Sections)
	require.Empty(t, s.Holdings)
	require.Empty(t, s.Tickets)
}

func TestReleaseFreesSoldSeats(t *testing.T) {
	refunded := freed(mine)
	refunded.Sold = true
	s := Given(t, stalls, pit, mine, sold(mine)).When(Release{ReservationID: "rsv_1"}).Then(refunded).State()
	require.Equal(t, Given(t, stalls, pit).State().Sections, s.Sections)
}

func TestReleaseOfNothingChangesNothing(t *testing.T) {
	Given(t).When(Release{ReservationID: "rsv_1"}).ThenNothing()
	Given(t, stalls, pit, mine, freed(mine)).When(Release{ReservationID: "rsv_1"}).ThenNothing()
	Given(t, stalls, pit, mine).When(Release{ReservationID: "rsv_2"}).ThenNothing()
}

func TestReleaseLeavesTheSeatsOfOthers(t *testing.T) {
	theirs := held("rsv_2", bob, seats("A-3"), standing(1))
	s := Given(t, stalls, pit, mine, theirs).When(Release{ReservationID: "rsv_1"}).State()
	require.Equal(t, []SeatStatus{Available, Available, Reserved, Available}, s.Sections[0].Rows[0].Seats)
	require.Equal(t, 1, s.Sections[1].Reserved)
	require.Equal(t, map[string]int{bob: 2}, s.Tickets)
}

func TestEvolvePanicsIfTheLogBreaksARule(t *testing.T) {
	for name, history := range map[string][]DomainEvent{
		"a seat with two holders":    {stalls, held("rsv_1", alice, seats("A-1")), held("rsv_2", bob, seats("A-1"))},
		"a seat that is not there":   {stalls, held("rsv_1", alice, seats("A-9"))},
		"more than the capacity":     {pit, held("rsv_1", alice, standing(6))},
		"sold and never reserved":    {pit, sold(held("rsv_1", alice, standing(1)))},
		"released and never held":    {pit, freed(held("rsv_1", alice, standing(1)))},
		"a sold seat freed as held":  {pit, held("rsv_1", alice, standing(1)), sold(held("rsv_1", alice, standing(1))), freed(held("rsv_1", alice, standing(1)))},
		"a seat sold that was freed": {stalls, mine2, freed(mine2), sold(mine2)},
	} {
		t.Run(name, func(t *testing.T) {
			require.Panics(t, func() { Given(t, history...).State() })
		})
	}
}

var mine2 = held("rsv_1", alice, seats("A-1"))
