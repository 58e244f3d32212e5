package inventory

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
)

func TestReserveNamedSeats(t *testing.T) {
	Given(t, stalls).When(reserve(alice, named("B-2", "A-1"))).Then(held("rsv_new", alice, seats("B-2", "A-1")))
}

func TestASeatHasOneHolder(t *testing.T) {
	taken := held("rsv_1", bob, seats("A-1", "A-2"))
	Given(t, stalls, taken).When(reserve(alice, named("A-3", "A-2"))).
		ThenRejected(rejection.SeatUnavailable, "items", "0", "seats", "1")
	Given(t, stalls, taken, sold(taken)).When(reserve(alice, named("A-1"))).
		ThenRejected(rejection.SeatUnavailable, "items", "0", "seats", "0")
	Given(t, stalls, taken).When(reserve(bob, named("A-1"))).
		ThenRejected(rejection.SeatUnavailable, "items", "0", "seats", "0")
	Given(t, stalls, taken, freed(taken)).When(reserve(alice, named("A-1"))).
		Then(held("rsv_new", alice, seats("A-1")))
}

func TestAReservationIsMadeOnce(t *testing.T) {
	Given(t, stalls, held("rsv_new", alice, seats("A-1"))).When(reserve(alice, named("A-2"))).ThenRejected(rejection.InvalidState)
}

func TestReserveTakesAllOrNothing(t *testing.T) {
	s := Given(t, stalls, pit, held("rsv_1", bob, standing(5)))
	s.When(reserve(alice, named("A-1"), best("Pit", 1))).ThenRejected(rejection.InsufficientInventory, "items", "1", "quantity")
	s.When(reserve(alice, named("A-1"))).ThenAccepted()
}

func TestCapacityIsNeverExceeded(t *testing.T) {
	three := held("rsv_1", bob, standing(3))
	Given(t, pit, three).When(reserve(alice, best("Pit", 2))).Then(held("rsv_new", alice, standing(2)))
	Given(t, pit, three).When(reserve(alice, best("Pit", 3))).ThenRejected(rejection.InsufficientInventory, "items", "0", "quantity")
	Given(t, pit, three, sold(three)).When(reserve(alice, best("Pit", 3))).ThenRejected(rejection.InsufficientInventory, "items", "0", "quantity")
	Given(t, pit, three, freed(three)).When(reserve(alice, best("Pit", 5))).ThenAccepted()
	Given(t, pit).When(reserve(alice, best("Pit", 3), best("Pit", 3))).ThenRejected(rejection.InsufficientInventory, "items", "1", "quantity")
}

func TestSeatsAreNumberedUpToTheCapacity(t *testing.T) {
	six := held("rsv_1", bob, seats("A-1", "A-2", "A-3", "A-4", "B-1", "B-2"))
	Given(t, stalls, six).When(reserve(alice, best("Stalls", 1))).Then(held("rsv_new", alice, seats("B-3")))
	Given(t, stalls, six).When(reserve(alice, best("Stalls", 2))).ThenRejected(rejection.InsufficientInventory, "items", "0", "quantity")
	Given(t, stalls, six).When(reserve(alice, named("B-3"), best("Stalls", 1))).ThenRejected(rejection.InsufficientInventory, "items", "1", "quantity")
}

func TestReserveInSeveralSections(t *testing.T) {
	Given(t, stalls, pit).When(reserve(alice, best("Pit", 2), named("A-4"))).
		Then(held("rsv_new", alice, standing(2), seats("A-4")))
}

func TestItemsOfOneSectionBecomeOne(t *testing.T) {
	Given(t, stalls, pit).When(reserve(alice, named("A-1"), best("Pit", 1), named("B-1"), best("Pit", 2))).
		Then(held("rsv_new", alice, seats("A-1", "B-1"), standing(3)))
}

func TestBestAvailableLeavesTheSeatsThatOtherItemsName(t *testing.T) {
	Given(t, stalls).When(reserve(alice, best("Stalls", 1), named("A-1"))).Then(held("rsv_new", alice, seats("A-1", "A-2")))
	Given(t, stalls).When(reserve(alice, named("A-1"), best("Stalls", 1))).Then(held("rsv_new", alice, seats("A-1", "A-2")))
}

func TestReserveRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		items []ReserveItem
		code  rejection.Code
		field []string
	}{
		"nothing":                   {nil, rejection.Invalid, []string{"items"}},
		"an unknown section":        {[]ReserveItem{best("Pit", 1), best("Roof", 1)}, rejection.NotFound, []string{"items", "1", "section"}},
		"neither":                   {[]ReserveItem{{Section: "Pit"}}, rejection.Invalid, []string{"items", "0"}},
		"no seats":                  {[]ReserveItem{{Section: "Stalls", Labels: []string{}}}, rejection.Invalid, []string{"items", "0"}},
		"both":                      {[]ReserveItem{{Section: "Stalls", Quantity: new(1), Labels: []string{"A-1"}}}, rejection.Invalid, []string{"items", "0"}},
		"numbers where none are":    {[]ReserveItem{{Section: "Pit", Labels: []string{"A-1"}}}, rejection.Invalid, []string{"items", "0", "seats"}},
		"zero tickets":              {[]ReserveItem{best("Pit", 1), best("Pit", 0)}, rejection.Invalid, []string{"items", "1", "quantity"}},
		"minus one ticket":          {[]ReserveItem{best("Pit", -1)}, rejection.Invalid, []string{"items", "0", "quantity"}},
		"a seat twice":              {[]ReserveItem{named("A-1", "A-1")}, rejection.Invalid, []string{"items", "0", "seats", "1"}},
		"a seat twice in two items": {[]ReserveItem{named("A-1"), named("A-2", "A-1")}, rejection.Invalid, []string{"items", "1", "seats", "1"}},
	} {
		t.Run(name, func(t *testing.T) {
			Given(t, stalls, pit).When(reserve(alice, c.items...)).ThenRejected(c.code, c.field...)
		})
	}
}

func TestReserveRejectsLabelsOfNoSeat(t *testing.T) {
	for _, label := range []string{
		"", "-", "A", "A-", "-1", "A-0", "A-5", "A--1", "A-01", "A-+1", "A-1 ", "C-1", "A1", "A-1-1", "A-99999999999999999999", "A-１",
	} {
		t.Run(label, func(t *testing.T) {
			Given(t, stalls).When(reserve(alice, named("A-1", label))).ThenRejected(rejection.SeatUnavailable, "items", "0", "seats", "1")
		})
	}
}

func TestARowsNameMayHoldAHyphen(t *testing.T) {
	loge := InventoryAdded{Section: "Stalls", Price: eur(1), Capacity: 4, Rows: []Row{{Name: "A", Seats: 2}, {Name: "A-1", Seats: 2}}}
	s := Given(t, loge).When(reserve(alice, named("A-1-2"))).State()
	require.Equal(t, [][]SeatStatus{{Available, Available}, {Available, Reserved}}, [][]SeatStatus{s.Sections[0].Rows[0].Seats, s.Sections[0].Rows[1].Seats})
}

func TestSeatStatusIsThatOfTheAPI(t *testing.T) {
	require.Equal(t, []string{"AVAILABLE", "RESERVED", "SOLD"}, []string{Available.String(), Reserved.String(), Sold.String()})
}

func TestStreamIsNamedAfterTheEvent(t *testing.T) {
	require.Equal(t, "inventory-evt_1", Stream("evt_1"))
}

func TestUnpaidReservationsOfACustomerAreLimited(t *testing.T) {
	first, second := held("rsv_1", alice, standing(1)), held("rsv_2", alice, standing(1))
	third := reserve(alice, best("Pit", 1))
	third.MaxUnpaid = 2
	Given(t, pit, first).When(third).ThenAccepted()
	Given(t, pit, first, second).When(third).ThenRejected(rejection.LimitExceeded)
	Given(t, pit, first, second, sold(first)).When(third).ThenAccepted()
	Given(t, pit, first, second, freed(second)).When(third).ThenAccepted()
	others := third
	others.CustomerID = bob
	Given(t, pit, first, second).When(others).ThenAccepted()
}

func TestYouHoldYourOwnSeatAlready(t *testing.T) {
	mine := held("rsv_1", alice, seats("A-1"))
	_, err := Decide(Given(t, stalls, mine).State(), reserve(alice, named("A-2", "A-1")), time.Time{})
	require.EqualError(t, err, "rejected: SEAT_UNAVAILABLE: you hold seat A-1 already")
	_, err = Decide(Given(t, stalls, mine).State(), reserve(bob, named("A-2", "A-1")), time.Time{})
	require.EqualError(t, err, "rejected: SEAT_UNAVAILABLE: seat A-1 is taken")
}
