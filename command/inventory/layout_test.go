package inventory

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
)

// laidOut has two rows that meet at a corner.
var laidOut = InventoryAdded{Section: "Corner", Price: eur(1), Capacity: 5, Rows: []Row{
	{Name: "A", Seats: 2, Layout: &Layout{X: -12.5, Y: 0.07}}, {Name: "B", Seats: 3, Layout: &Layout{X: 1_000, Y: -1_000, Rotation: -180}},
}}

func addRows(rows ...Row) Add { return Add{Section: laidOut.Section, Price: laidOut.Price, Rows: rows} }

func TestRowsKeepTheirLayouts(t *testing.T) {
	s := Given(t).When(addRows(laidOut.Rows...)).Then(laidOut).State()
	require.Equal(t, Layout{X: 1_000, Y: -1_000, Rotation: -180}, *s.Section("Corner").Rows[1].Layout)
	require.Nil(t, Given(t, stalls).State().Section("Stalls").Rows[0].Layout)
}

func TestLayoutsAreWithinTheirBounds(t *testing.T) {
	for field, layouts := range map[string][]Layout{
		"x":        {{X: 1_000.01}, {X: -1_000.01}, {X: 0.001}, {X: math.NaN()}, {X: math.Inf(1)}},
		"y":        {{Y: 1_000.01}, {Y: -1_000.01}, {Y: 1.125}, {Y: math.NaN()}, {Y: math.Inf(-1)}},
		"rotation": {{Rotation: 180.01}, {Rotation: -180.01}, {Rotation: 22.125}, {Rotation: math.NaN()}},
	} {
		for _, layout := range layouts {
			Given(t).When(addRows(laidOut.Rows[0], Row{Name: "B", Seats: 1, Layout: &layout})).ThenRejected(rejection.Invalid, "rows", "1", "layout", field)
			Given(t, laidOut).When(Update{Section: "Corner", Rows: []Row{{Name: "C", Seats: 1, Layout: &layout}}}).
				ThenRejected(rejection.Invalid, "rows", "0", "layout", field)
		}
	}
	for hundredths := range 100 { // most of them have no exact float
		Given(t).When(addRows(Row{Name: "A", Seats: 1, Layout: &Layout{X: 700 + float64(hundredths)/100}})).ThenAccepted()
	}
}

func TestAllRowsOfASectionHaveALayoutOrNone(t *testing.T) {
	at := &Layout{X: 1}
	Given(t).When(addRows(Row{Name: "A", Seats: 1, Layout: at}, Row{Name: "B", Seats: 1})).ThenRejected(rejection.Invalid, "rows", "1", "layout")
	Given(t).When(addRows(Row{Name: "A", Seats: 1}, Row{Name: "B", Seats: 1, Layout: at})).ThenRejected(rejection.Invalid, "rows", "0", "layout")

	update := func(history InventoryAdded, rows ...Row) outcome {
		return Given(t, history).When(Update{Section: history.Section, Rows: rows})
	}
	update(laidOut, Row{Name: "A", Seats: 4}, Row{Name: "C", Seats: 1}).ThenRejected(rejection.Invalid, "rows", "1", "layout")
	update(laidOut, Row{Name: "C", Seats: 1, Layout: at}).ThenAccepted()
	update(stalls, Row{Name: "A", Seats: 4, Layout: at}).ThenRejected(rejection.Invalid, "rows")
	update(stalls, Row{Name: "C", Seats: 4, Layout: at}).ThenRejected(rejection.Invalid, "rows")
	update(stalls, Row{Name: "A", Seats: 4, Layout: at}, Row{Name: "b"}).ThenAccepted()
	update(stalls, Row{Name: "A", Seats: 4, Layout: at}, Row{Name: "b", Seats: 3, Layout: at}).ThenAccepted()
}

func TestARowMovesWithItsSeatsReserved(t *testing.T) {
	moved, history := Row{Name: "A", Seats: 4, Layout: &Layout{X: 2, Rotation: 90}}, laidOut
	history.Section = "Stalls"
	taken := held("rsv_1", alice, seats("A-1"))
	past := Given(t, history, taken)
	past.When(Update{Section: "Stalls", Rows: []Row{{Name: "A", Seats: 2, Layout: &Layout{X: -12.5, Y: 0.07}}, {Name: "B", Seats: 3}}}).ThenNothing()
	longer := moved
	longer.Layout = history.Rows[0].Layout
	past.When(Update{Section: "Stalls", Rows: []Row{{Name: "A", Seats: 4}}}).
		Then(changed(history, func(u *SectionUpdated) { u.Capacity, u.RowsChanged = 7, []Row{longer} }))
	s := past.When(Update{Section: "Stalls", Rows: []Row{moved}}).
		Then(changed(history, func(u *SectionUpdated) { u.Capacity, u.RowsChanged = 7, []Row{moved} })).State()
	require.Equal(t, *moved.Layout, *s.Sections[0].Rows[0].Layout)
	require.Equal(t, Reserved, s.Sections[0].Rows[0].Seats[0])

	before := past.State()
	decided := mustDecide(t, before, Update{Section: "Stalls", Rows: []Row{moved}})
	require.Equal(t, past.State(), Revert(Evolve(before, decided[0]), decided[0]))
}

// Only the first seat of a row is written when nothing but its layout changes, so that large sections get layouts too.
func TestALayoutAloneMovesNoSeats(t *testing.T) {
	hall := InventoryAdded{Section: "Hall", Price: eur(1), Capacity: 6_000, Rows: rows(6, 1_000)}
	with := rows(6, 1_000)
	for i := range with {
		with[i].Layout = &Layout{Y: float64(i)}
	}
	Given(t, hall).When(Update{Section: "Hall", Rows: with}).ThenAccepted()
	with[0].Seats--
	Given(t, hall).When(Update{Section: "Hall", Rows: with}).ThenRejected(rejection.Invalid, "rows")
}
