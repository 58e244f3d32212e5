package inventory

import (
	"math"
	"testing"

	"ticketing/command/rejection"
)

// limited returns a reservation under limits; perCustomer 0 means none.
func limited(perReservation, perCustomer int, items ...ReserveItem) Reserve {
	c := reserve(alice, items...)
	c.MaxPerReservation = perReservation
	if perCustomer != 0 {
		c.MaxPerCustomer = new(perCustomer)
	}
	return c
}

func TestLimitPerReservation(t *testing.T) {
	s := Given(t, stalls, pit)
	s.When(limited(2, 0, named("A-1", "A-2"))).ThenAccepted()
	s.When(limited(2, 0, named("A-1", "A-2", "A-3"))).ThenRejected(rejection.LimitExceeded, "items", "0", "seats")
	s.When(limited(2, 0, best("Stalls", 3))).ThenRejected(rejection.LimitExceeded, "items", "0", "quantity")
}

func TestLimitPerReservationHoldsAcrossSections(t *testing.T) {
	s := Given(t, stalls, pit)
	s.When(limited(3, 0, named("A-1"), best("Pit", 2))).ThenAccepted()
	s.When(limited(3, 0, named("A-1", "A-2"), best("Pit", 2))).ThenRejected(rejection.LimitExceeded, "items", "1", "quantity")
	s.When(limited(3, 0, best("Pit", 2), named("A-1", "A-2"))).ThenRejected(rejection.LimitExceeded, "items", "1", "seats")
	s.When(limited(3, 0, best("Pit", 2), best("Pit", 2))).ThenRejected(rejection.LimitExceeded, "items", "1", "quantity")
}

func TestLimitSurvivesNumbersThatOverflow(t *testing.T) {
	Given(t, pit).When(limited(3, 0, best("Pit", math.MaxInt))).ThenRejected(rejection.LimitExceeded, "items", "0", "quantity")
	Given(t, pit).When(limited(3, 3, best("Pit", 1), best("Pit", math.MaxInt))).ThenRejected(rejection.LimitExceeded, "items", "1", "quantity")
}

func TestLimitPerCustomerHoldsAcrossReservationsAndSections(t *testing.T) {
	two := held("rsv_1", alice, standing(1), seats("A-1"))
	Given(t, stalls, pit, two).When(limited(10, 3, best("Pit", 1))).ThenAccepted()
	Given(t, stalls, pit, two).When(limited(10, 3, best("Pit", 2))).ThenRejected(rejection.LimitExceeded, "items")
	Given(t, stalls, pit, two).When(limited(10, 3, best("Pit", 1), named("A-2"))).ThenRejected(rejection.LimitExceeded, "items")
}

func TestLimitPerCustomerCountsWhatIsSoldAndNotWhatWasGivenBack(t *testing.T) {
	two := held("rsv_1", alice, standing(2))
	refunded := freed(two)
	refunded.Sold = true
	Given(t, pit, two, sold(two)).When(limited(10, 3, best("Pit", 2))).ThenRejected(rejection.LimitExceeded, "items")
	Given(t, pit, two, freed(two)).When(limited(10, 3, best("Pit", 3))).ThenAccepted()
	Given(t, pit, two, sold(two), refunded).When(limited(10, 3, best("Pit", 3))).ThenAccepted()
}

func TestLimitPerCustomerIsEachCustomersOwn(t *testing.T) {
	Given(t, pit, held("rsv_1", bob, standing(3))).When(limited(10, 2, best("Pit", 2))).ThenAccepted()
	Given(t, pit, held("rsv_1", alice, standing(3))).When(limited(10, 0, best("Pit", 2))).ThenAccepted()
}

// What the limits forbid is rejected for that, however many tickets are left.
func TestLimitsComeBeforeAvailability(t *testing.T) {
	full := held("rsv_1", bob, standing(5))
	Given(t, pit, full).When(limited(2, 0, best("Pit", 3))).ThenRejected(rejection.LimitExceeded, "items", "0", "quantity")
	Given(t, pit, full).When(limited(10, 2, best("Pit", 3))).ThenRejected(rejection.LimitExceeded, "items")
}

func TestLimitsHoldForACustomerAndWhatTheirGuestsPaidFor(t *testing.T) {
	c := limited(3, 3, best("Pit", 2))
	c.Linked = []string{bob}
	one, two := held("rsv_1", bob, standing(1)), held("rsv_2", bob, standing(2))
	Given(t, pit, one, sold(one)).When(c).ThenAccepted()
	Given(t, pit, two, sold(two)).When(c).ThenRejected(rejection.LimitExceeded, "items")
	other := held("rsv_1", "usr_carol", standing(2))
	Given(t, pit, other, sold(other)).When(c).ThenAccepted()
}

// A guest may have given the customer's address without being asked to.
func TestWhatAGuestTakesForNothingCountsForNoOtherCustomer(t *testing.T) {
	c := limited(3, 3, best("Pit", 2))
	c.Linked, c.MaxUnpaid = []string{bob}, 1
	one, two := held("rsv_1", bob, standing(1)), held("rsv_2", bob, standing(2))
	Given(t, pit, two).When(c).ThenAccepted()
	Given(t, pit, two, one, sold(one)).When(c).ThenAccepted()
	free := pit
	free.Price.Minor = 0
	Given(t, free, two, sold(two)).When(c).ThenAccepted()
}
