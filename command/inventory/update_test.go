package inventory

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
	"ticketing/internal/money"
)

// asIs returns the SectionUpdated that changes nothing.
func asIs(e InventoryAdded) SectionUpdated {
	return SectionUpdated{Section: e.Section, Price: e.Price, Capacity: e.Capacity}
}

func changed(e InventoryAdded, change func(*SectionUpdated)) SectionUpdated {
	u := asIs(e)
	change(&u)
	return u
}

func TestAPriceIsForWhatIsReservedLater(t *testing.T) {
	dearer := changed(pit, func(u *SectionUpdated) { u.Price = eur(30_00) })
	s := Given(t, stalls, pit, mine).When(Update{Section: "pit", Price: new(eur(30_00))}).Then(dearer).State()
	require.Equal(t, []int{2, 0, 3}, []int{s.Section("Pit").Reserved, s.Section("Pit").Sold, s.Section("Pit").Available()})
	Given(t, pit).When(Update{Section: "Pit", Price: new(eur(-1))}).ThenRejected(rejection.Invalid, "price", "amount")
	Given(t, pit).When(Update{Section: "Pit", Price: new(eur(MostPrice + 1))}).ThenRejected(rejection.Invalid, "price", "amount")
	Given(t, pit).When(Update{Section: "Pit", Price: &money.Money{Minor: 1, Currency: "JPY"}}).ThenRejected(rejection.Invalid, "price", "currencyCode")
}

func TestUpdateOfNothingLeadsToNothing(t *testing.T) {
	Given(t, stalls, pit).When(Update{Section: "Pit"}).ThenNothing()
	Given(t, stalls, pit).When(Update{Section: "Pit", Price: new(pit.Price), Capacity: new(5)}).ThenNothing()
	Given(t, stalls).When(Update{Section: "Stalls", Rows: stalls.Rows, Unblock: []string{"A-1"}, Unmark: []string{"A-1"}}).ThenNothing()
	Given(t, stalls).When(Update{Section: "Box"}).ThenRejected(rejection.NotFound, "section")
}

func TestCapacityIsNeverBelowWhatIsHeldOrSold(t *testing.T) {
	Given(t, stalls, pit, mine).When(Update{Section: "Pit", Capacity: new(1)}).ThenRejected(rejection.Invalid, "capacity")
	s := Given(t, stalls, pit, mine).When(Update{Section: "Pit", Capacity: new(2)}).Then(changed(pit, func(u *SectionUpdated) { u.Capacity = 2 })).State()
	require.Zero(t, s.Section("Pit").Available())
	Given(t, pit).When(Update{Section: "Pit", Capacity: new(0)}).ThenRejected(rejection.Invalid, "capacity")
	Given(t, pit).When(Update{Section: "Pit", Capacity: new(MostCapacity + 1)}).ThenRejected(rejection.Invalid, "capacity")
	Given(t, stalls).When(Update{Section: "Stalls", Capacity: new(7)}).ThenRejected(rejection.Invalid, "capacity")
	for field, u := range map[string]Update{
		"rows": {Rows: rows(1, 1)}, "block": {Block: []string{"A-1"}}, "unblock": {Unblock: []string{"A-1"}}, "accessible": {Accessible: []string{"A-1"}},
		"restrictedView": {RestrictedView: []string{"A-1"}}, "unmark": {Unmark: []string{"A-1"}},
	} {
		u.Section = "Pit"
		Given(t, pit).When(u).ThenRejected(rejection.Invalid, field)
	}
}

func TestBlockedSeatsAreNotForSale(t *testing.T) {
	blocked := changed(stalls, func(u *SectionUpdated) { u.Blocked = []string{"A-3", "B-1"} })
	past := Given(t, stalls, pit, mine).When(Update{Section: "Stalls", Block: []string{"a-3", "B-1"}}).Then(blocked).And()
	s := past.State().Section("Stalls")
	require.Equal(t, []int{7, 2, 2, 3}, []int{s.Capacity, s.Reserved, s.Blocked, s.Available()})
	past.When(reserve(bob, named("A-3"))).ThenRejected(rejection.SeatUnavailable, "items", "0", "seats", "0")
	past.When(reserve(bob, best("Stalls", 4))).ThenRejected(rejection.InsufficientInventory, "items", "0", "quantity")
	require.Equal(t, "B-2 B-3", picked(past.When(reserve(bob, best("Stalls", 2)))))
	past.When(Update{Section: "Stalls", Block: []string{"A-3"}}).ThenNothing()

	past.When(Update{Section: "Stalls", Block: []string{"A-4", "A-1"}}).ThenRejected(rejection.SeatUnavailable, "block", "1")
	past.When(Update{Section: "Stalls", Block: []string{"A-9"}}).ThenRejected(rejection.SeatUnavailable, "block", "0")
	past.When(Update{Section: "Stalls", Block: make([]string, MostLabels+1)}).ThenRejected(rejection.Invalid, "block")
	again := changed(stalls, func(u *SectionUpdated) { u.Unblocked = []string{"A-3"} })
	s = past.When(Update{Section: "Stalls", Unblock: []string{"A-3", "A-1"}}).Then(again).State().Section("Stalls")
	require.Equal(t, []int{1, 4}, []int{s.Blocked, s.Available()})
}

// A late payment must not take a seat that was blocked, or whose row was taken away.
func TestALatePaymentDoesNotGetSeatsThatAreGone(t *testing.T) {
	past := Given(t, stalls, pit, mine, freed(mine))
	past.When(Update{Section: "Stalls", Block: []string{"A-1"}}).ThenAccepted().And().When(retake()).ThenRejected(rejection.SeatUnavailable)
	past.When(Update{Section: "Stalls", Rows: []Row{{Name: "A"}}}).ThenAccepted().And().When(retake()).ThenRejected(rejection.SeatUnavailable)
}

func TestSeatsHaveMarks(t *testing.T) {
	marks := func(s State, label string) Mark {
		at, _ := s.Section("Stalls").findSeat(label)
		return s.Section("Stalls").MarksAt(at.row, at.seat)
	}
	both := changed(stalls, func(u *SectionUpdated) {
		u.Marked = []SeatMarks{{Label: "A-1", Accessible: true, RestrictedView: true}, {Label: "B-3", RestrictedView: true}}
	})
	past := Given(t, stalls).When(Update{Section: "Stalls", Accessible: []string{"A-1"}, RestrictedView: []string{"A-1", "B-3"}}).Then(both).And()
	require.Equal(t, []Mark{Accessible | RestrictedView, 0, RestrictedView}, []Mark{marks(past.State(), "A-1"), marks(past.State(), "A-2"), marks(past.State(), "B-3")})
	require.Equal(t, marks(past.State(), "A-1"), marks(throughSnapshot(t, past.State()), "A-1"))
	past.When(Update{Section: "Stalls", RestrictedView: []string{"B-3"}}).ThenNothing()
	past.When(Update{Section: "Stalls", Unmark: []string{"A-1"}, Accessible: []string{"A-1"}}).
		Then(changed(stalls, func(u *SectionUpdated) { u.Marked = []SeatMarks{{Label: "A-1", Accessible: true}} }))
	past.When(Update{Section: "Stalls", Accessible: []string{"A-9"}}).ThenRejected(rejection.SeatUnavailable, "accessible", "0")
}

func TestRowsAreAddedAndLaidOutAnew(t *testing.T) {
	past := Given(t, stalls, pit, mine) // has
	grown := changed(stalls, func(u *SectionUpdated) {
		u.Capacity, u.RowsChanged, u.RowsAdded = 9, []Row{{Name: "A", Seats: 3}}, []Row{numbered("C", 3, 11, 2)}
	})
	after := past.When(Update{Section: "Stalls", Rows: []Row{{Name: " a ", Seats: 3}, {Name: "B", Seats: 3}, numbered("C", 3, 11, 2)}}).Then(grown).And()
	s := after.State().Section("Stalls")
	require.Equal(t, []string{"A", "B", "C"}, []string{s.Rows[0].Name, s.Rows[1].Name, s.Rows[2].Name})
	require.Equal(t, []SeatStatus{Reserved, Reserved, Available}, s.Rows[0].Seats)
	require.Equal(t, 7, s.Available())
	after.When(reserve(bob, named("C-15"))).ThenAccepted()
	after.When(reserve(bob, named("A-4"))).ThenRejected(rejection.SeatUnavailable, "items", "0", "seats", "0")

	past.When(Update{Section: "Stalls", Rows: []Row{{Name: "A", Seats: 1}}}).ThenRejected(rejection.Invalid, "rows", "0", "seats")
	past.When(Update{Section: "Stalls", Rows: []Row{numbered("A", 4, 2, 0)}}).ThenRejected(rejection.Invalid, "rows", "0", "seats")
	past.When(Update{Section: "Stalls", Rows: []Row{{Name: "A"}}}).ThenRejected(rejection.Invalid, "rows", "0", "seats")
	past.When(Update{Section: "Stalls", Rows: []Row{{Name: "X"}}}).ThenRejected(rejection.Invalid, "rows", "0", "row")
	past.When(Update{Section: "Stalls", Rows: []Row{{Name: "B", Seats: 1}, {Name: "b", Seats: 2}}}).ThenRejected(rejection.Invalid, "rows", "1", "row")
	Given(t, stalls).When(Update{Section: "Stalls", Rows: []Row{{Name: "A"}, {Name: "B"}}}).ThenRejected(rejection.Invalid, "rows")
	less := past.When(Update{Section: "Stalls", Rows: []Row{{Name: "B"}}}).
		Then(changed(stalls, func(u *SectionUpdated) { u.Capacity, u.RowsChanged = 4, []Row{{Name: "B"}} })).State().Section("Stalls")
	require.Equal(t, []int{1, 2}, []int{len(less.Rows), less.Available()})
}

func TestBlocksAndMarksStayWithTheirLabels(t *testing.T) {
	past := Given(t, stalls).When(Update{Section: "Stalls", Block: []string{"A-2", "A-4"}, Accessible: []string{"A-3"}}).ThenAccepted().And()
	s := past.When(Update{Section: "Stalls", Rows: []Row{numbered("A", 3, 2, 0)}}).ThenAccepted().State().Section("Stalls")
	require.Equal(t, []SeatStatus{Blocked, Available, Blocked}, s.Rows[0].Seats)
	require.Equal(t, []Mark{0, Accessible, 0}, s.Rows[0].Marks)
	s = past.When(Update{Section: "Stalls", Rows: []Row{{Name: "A", Seats: 2}}}).ThenAccepted().State().Section("Stalls")
	require.Equal(t, []int{5, 1, 4}, []int{s.Capacity, s.Blocked, s.Available()})
	require.Nil(t, s.Rows[0].Marks)
}

func TestRowsAreBoundedWhenTheyAreAdded(t *testing.T) {
	full := InventoryAdded{Section: "full", Price: eur(1), Capacity: MostSeats, Rows: rows(MostSeats/MostSeatsInRow, MostSeatsInRow)}
	Given(t, full, stalls).When(Update{Section: "Stalls", Rows: rows(1, 1)}).ThenRejected(rejection.Invalid, "rows")
	many := InventoryAdded{Section: "many", Price: eur(1), Capacity: MostRows, Rows: rows(MostRows, 1)}
	Given(t, many).When(Update{Section: "many", Rows: []Row{{Name: "one more", Seats: 1}}}).ThenRejected(rejection.Invalid, "rows")
	Given(t, many).When(Update{Section: "many", Rows: []Row{{Name: "one more", Seats: 1}, {Name: "r4999"}}}).ThenAccepted()
}

// The read side writes the seats that one change makes, or moves, at once.
func TestAChangeMovesABoundedNumberOfSeats(t *testing.T) {
	hall := InventoryAdded{Section: "Hall", Price: eur(1), Capacity: 6_000, Rows: rows(6, 1_000)}
	update := func(rows ...Row) outcome { return Given(t, hall).When(Update{Section: "Hall", Rows: rows}) }
	update(Row{Name: "r0", Seats: 999}).ThenRejected(rejection.Invalid, "rows")
	update(Row{Name: "r0"}).ThenRejected(rejection.Invalid, "rows")
	update(Row{Name: "r1", Seats: 999}).ThenAccepted()
	update(Row{Name: "r5"}).ThenAccepted()
	update(numbered("r0", 1_000, 2, 0), numbered("r4", 1_000, 2, 0)).ThenAccepted()
	more := func(n int) []Row {
		added := rows(n, 1_000)
		for i := range added {
			added[i].Name = "new " + added[i].Name
		}
		return added
	}
	update(more(5)...).ThenAccepted()
	update(more(6)...).ThenRejected(rejection.Invalid, "rows")
}

func TestAnUpdateCanBeTakenBack(t *testing.T) {
	before := Given(t, stalls, pit, mine).State()
	past := Given(t, stalls, pit, mine).When(Update{
		Section: "Stalls", Price: new(eur(1)), Rows: []Row{{Name: "A", Seats: 2}, {Name: "B"}, {Name: "C", Seats: 9}}, Block: []string{"C-1"},
	}).ThenAccepted().And()
	history := append([]DomainEvent{stalls, pit, mine}, mustDecide(t, before, Update{
		Section: "Stalls", Price: new(eur(1)), Rows: []Row{{Name: "A", Seats: 2}, {Name: "B"}, {Name: "C", Seats: 9}}, Block: []string{"C-1"},
	})...)
	require.Equal(t, past.State(), Given(t, history...).State())
	require.Equal(t, before, Revert(past.State(), history[3]))
}

func mustDecide(t *testing.T, s State, c Command) []DomainEvent {
	t.Helper()
	decided, err := Decide(s, c, time.Time{})
	require.NoError(t, err)
	return decided
}

// Changes of a section are decided under the lock that all events share, like reservations.
func TestNoUpdateIsCostly(t *testing.T) {
	s := fragmented(7)
	labels := make([]string, MostLabels)
	for i := range labels {
		labels[i] = fmt.Sprintf("R%d-2", i)
	}
	fastest := time.Hour
	for range 5 {
		began := time.Now()
		_, err := Decide(s, Update{Section: "Stalls", Block: labels, Accessible: labels, Rows: []Row{{Name: "R4999", Seats: 39}}}, time.Time{})
		fastest = min(fastest, time.Since(began))
		require.NoError(t, err)
	}
	require.Less(t, fastest, 200*time.Millisecond) // about 15 ms; the race detector and a busy machine make it several times as much
}
