package availability_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/inventory"
	"ticketing/projector/availability"
	"ticketing/projector/projection"
	"ticketing/projector/readtest"
	"ticketing/query"
)

func TestAvailabilityFollowsSeats(t *testing.T) {
	w := readtest.New(t)
	w.Append("inventory-evt_1", append(readtest.InventoryAdded(),
		inventory.SeatsReserved{ReservationID: "rsv_1", Items: append(readtest.Seats("A-1", "B-2"), readtest.Standing(3)...)},
		inventory.SeatsConfirmed{ReservationID: "rsv_1", Items: append(readtest.Seats("A-1", "B-2"), readtest.Standing(3)...)},
		inventory.SeatsReserved{ReservationID: "rsv_2", Items: readtest.Seats("A-2")},
		inventory.SeatsReserved{ReservationID: "rsv_3", Items: readtest.Standing(10)},
		inventory.SeatsReleased{ReservationID: "rsv_3", Items: readtest.Standing(10)},
		inventory.SeatsReleased{ReservationID: "rsv_1", Items: append(readtest.Seats("A-1", "B-2"), readtest.Standing(3)...), Sold: true},
		inventory.SeatsReserved{ReservationID: "rsv_4", Items: readtest.Seats("A-1")},
		inventory.SeatsConfirmed{ReservationID: "rsv_4", Items: readtest.Seats("A-1")},
	)...)
	w.ProjectAll(availability.Projection{})

	inv := w.Inventory("evt_1")
	require.EqualValues(t, 10, inv.Version)
	require.Equal(t, []query.Section{
		{EventID: "evt_1", Name: "standing", Price: readtest.EUR(2000), Capacity: 100, Available: 100},
		{EventID: "evt_1", Name: "seated", Price: readtest.EUR(5000), Capacity: 6, Available: 4, Reserved: 1, Sold: 1, Seated: true, Ordinal: 1},
	}, inv.Sections)

	page, err := w.Reader.SeatPagesOf(t.Context(), []string{"evt_1/seated"}, query.SeatFilter{}, query.PageArgs{})
	require.NoError(t, err)
	require.Equal(t, []query.Seat{
		{Section: "seated", Label: "A-1", Status: "SOLD", Ordinal: 0}, {Section: "seated", Label: "A-2", Status: "RESERVED", Ordinal: 1},
		{Section: "seated", Label: "A-3", Status: "AVAILABLE", Ordinal: 2}, {Section: "seated", Label: "A-4", Status: "AVAILABLE", Ordinal: 3},
		{Section: "seated", Label: "B-1", Status: "AVAILABLE", Ordinal: 4}, {Section: "seated", Label: "B-2", Status: "AVAILABLE", Ordinal: 5},
	}, page["evt_1/seated"].Items)
}

// However records are cut into batches, the rows are those of the last one.
func TestAvailabilityFollowsUpdatesOfSections(t *testing.T) {
	price, row := readtest.EUR(5000), func(name string, seats, first int) inventory.Row {
		return inventory.Row{Name: name, Seats: seats, Numbering: inventory.Numbering{First: first}}
	}
	updates := []any{
		inventory.SectionUpdated{Section: "standing", Price: readtest.EUR(2500), Capacity: 80},
		inventory.SeatsReserved{ReservationID: "rsv_1", Items: readtest.Seats("A-2", "B-1")},
		inventory.SectionUpdated{
			Section: "seated", Price: price, Capacity: 7, RowsChanged: []inventory.Row{row("A", 3, 2)}, RowsAdded: []inventory.Row{row("C", 2, 11)},
			Blocked: []string{"A-3", "C-12"}, Marked: []inventory.SeatMarks{{Label: "A-4", Accessible: true}},
		},
		inventory.SectionUpdated{
			Section: "seated", Price: price, Capacity: 5, RowsChanged: []inventory.Row{row("A", 1, 2)}, Unblocked: []string{"C-12"},
			Marked: []inventory.SeatMarks{{Label: "C-11", RestrictedView: true}},
		},
	}
	for name, size := range map[string]int{"one batch": 100, "a batch each": 1} {
		t.Run(name, func(t *testing.T) {
			w := readtest.New(t)
			w.Append("inventory-evt_1", append(readtest.InventoryAdded(), updates...)...)
			for batch := range slices.Chunk(w.Records(inventory.Category), size) {
				w.Project(availability.Projection{}, batch...)
			}
			for worked := true; worked; { // changes of rows count as many rows: several in a batch are written one by one
				var err error
				worked, err = w.Writer(availability.Projection{}).WriteNextPart(t.Context())
				require.NoError(t, err)
			}
			require.Empty(t, w.DeadLetters(availability.Projection{}))
			require.Equal(t, []query.Section{
				{EventID: "evt_1", Name: "standing", Price: readtest.EUR(2500), Capacity: 80, Available: 80},
				{EventID: "evt_1", Name: "seated", Price: price, Capacity: 5, Available: 3, Reserved: 2, Seated: true, Ordinal: 1},
			}, w.Inventory("evt_1").Sections)
			page, err := w.Reader.SeatPagesOf(t.Context(), []string{"evt_1/seated"}, query.SeatFilter{}, query.PageArgs{})
			require.NoError(t, err)
			require.Equal(t, []query.Seat{
				{Section: "seated", Label: "A-2", Status: "RESERVED", Ordinal: 0}, {Section: "seated", Label: "B-1", Status: "RESERVED", Ordinal: 1}, {Section: "seated", Label: "B-2", Status: "AVAILABLE", Ordinal: 2},
				{Section: "seated", Label: "C-11", Status: "AVAILABLE", Ordinal: 3, RestrictedView: true}, {Section: "seated", Label: "C-12", Status: "AVAILABLE", Ordinal: 4},
			}, page["evt_1/seated"].Items)
		})
	}
}

func TestRowsAreLaidOutAsTheLogSays(t *testing.T) {
	w, price := readtest.New(t), readtest.EUR(5000)
	row := func(name string, seats, first int, layout inventory.Layout) inventory.Row {
		return inventory.Row{Name: name, Seats: seats, Numbering: inventory.Numbering{First: first}, Layout: &layout}
	}
	w.Append("inventory-evt_1",
		inventory.InventoryAdded{Section: "round", Price: price, Capacity: 5, Rows: []inventory.Row{
			row("A", 3, 0, inventory.Layout{X: -12.5, Y: 0.07, Rotation: 33.33}), row("B", 2, 0, inventory.Layout{}),
		}},
		inventory.InventoryAdded{Section: "plain", Price: price, Capacity: 1, Rows: []inventory.Row{{Name: "A", Seats: 1}}})
	w.ProjectAll(availability.Projection{})
	rows := func() []query.SeatMapRow {
		maps, err := w.Reader.SeatMaps(t.Context(), []string{"evt_1/round", "evt_1/plain"})
		require.NoError(t, err)
		require.Equal(t, []query.SeatMapRow{{Row: "A", States: "."}}, maps["evt_1/plain"].Rows)
		return maps["evt_1/round"].Rows
	}
	require.Equal(t, []query.SeatMapRow{
		{Row: "A", States: "...", Layout: &query.RowLayout{X: -12.5, Y: 0.07, Rotation: 33.33}}, {Row: "B", States: "..", Layout: &query.RowLayout{}},
	}, rows())

	w.Append("inventory-evt_1", inventory.SectionUpdated{
		Section: "round", Price: price, Capacity: 6,
		RowsChanged: []inventory.Row{row("A", 3, 2, inventory.Layout{X: -12.5, Y: 0.07, Rotation: 33.33}), row("B", 2, 0, inventory.Layout{X: 7})},
		RowsAdded:   []inventory.Row{row("C", 1, 0, inventory.Layout{X: 1_000, Y: -1_000, Rotation: -180})},
	})
	w.ProjectAll(availability.Projection{})
	require.Empty(t, w.DeadLetters(availability.Projection{}))
	require.Equal(t, []query.SeatMapRow{
		{Row: "A", Labels: []string{"2", "3", "4"}, States: "...", Layout: &query.RowLayout{X: -12.5, Y: 0.07, Rotation: 33.33}},
		{Row: "B", States: "..", Layout: &query.RowLayout{X: 7}}, {Row: "C", States: ".", Layout: &query.RowLayout{X: 1_000, Y: -1_000, Rotation: -180}},
	}, rows(), "the first seat has the layout, also when it is another one")
}

// However delivery cuts, repeats and disorders the records, the counts are the same.
func TestAvailabilityBearsAnyDelivery(t *testing.T) {
	w := readtest.New(t)
	w.Append("inventory-evt_1", readtest.InventoryAdded()...)
	w.Append("inventory-evt_2", readtest.InventoryAdded()...)
	for range 20 {
		for _, event := range []string{"inventory-evt_1", "inventory-evt_2"} {
			w.Append(event,
				inventory.SeatsReserved{ReservationID: "rsv", Items: append(readtest.Seats("A-1", "A-2"), readtest.Standing(2)...)},
				inventory.SeatsReleased{ReservationID: "rsv", Items: append(readtest.Seats("A-1", "A-2"), readtest.Standing(1)...)},
				inventory.SeatsConfirmed{ReservationID: "rsv", Items: readtest.Standing(1)})
		}
	}
	records := w.Records(inventory.Category)
	random := rand.New(rand.NewPCG(1, 2)) // the same every time
	for done := 0; done < len(records); done += random.IntN(5) {
		part := append([]projection.Record(nil), records[max(0, done-random.IntN(20)):min(done+5, len(records))]...)
		if random.IntN(3) == 0 {
			random.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
		}
		w.Project(availability.Projection{}, part...)
	}
	w.Project(availability.Projection{}, records...)

	for _, id := range []string{"evt_1", "evt_2"} {
		inv := w.Inventory(id)
		require.EqualValues(t, 62, inv.Version)
		standing, seated := inv.Sections[0], inv.Sections[1]
		require.Equal(t, []int{80, 0, 20}, []int{standing.Available, standing.Reserved, standing.Sold})
		require.Equal(t, []int{6, 0, 0}, []int{seated.Available, seated.Reserved, seated.Sold})
	}
	letters := w.DeadLetters(availability.Projection{})
	require.Empty(t, letters)
}

// A lone late record is enough: what is before it comes from the log, however much that is.
func TestGapIsReadFromTheLog(t *testing.T) {
	w := readtest.New(t)
	w.Append("inventory-evt_1", readtest.InventoryAdded()...)
	for range 50 {
		w.Append("inventory-evt_1", inventory.SeatsReserved{ReservationID: "rsv", Items: readtest.Standing(2)})
	}
	records := w.Records(inventory.Category)
	w.Project(availability.Projection{}, records[len(records)-1])

	inv := w.Inventory("evt_1")
	require.EqualValues(t, 52, inv.Version)
	require.Equal(t, 100, inv.Sections[0].Reserved)
}

func TestImpossibleMovesAreDeadLetters(t *testing.T) {
	for name, move := range map[string]any{
		"too many":       inventory.SeatsReserved{Items: readtest.Standing(101)},
		"not reserved":   inventory.SeatsConfirmed{Items: readtest.Seats("A-1")},
		"no such seat":   inventory.SeatsReserved{Items: readtest.Seats("Z-9")},
		"no section":     inventory.SeatsReserved{Items: []inventory.Item{{Section: "moon", Quantity: 1}}},
		"section twice":  readtest.InventoryAdded()[0],
		"unnamed seats":  inventory.SeatsReserved{Items: []inventory.Item{{Section: "seated", Quantity: 1}}},
		"wrong quantity": inventory.SeatsReserved{Items: []inventory.Item{{Section: "seated", Quantity: 2, Labels: []string{"A-1"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			w := readtest.New(t)
			w.Append("inventory-evt_1", append(readtest.InventoryAdded(), move, inventory.SeatsReserved{Items: readtest.Standing(1)})...)
			w.Append("inventory-evt_2", append(readtest.InventoryAdded(), inventory.SeatsReserved{Items: readtest.Standing(1)})...)
			w.ProjectAll(availability.Projection{})

			require.EqualValues(t, 2, w.Inventory("evt_1").Version, "the stream waits before what can't be applied")
			require.EqualValues(t, 3, w.Inventory("evt_2").Version, "other streams go on")
			letters := w.DeadLetters(availability.Projection{})
			require.Len(t, letters, 1)
			require.Equal(t, []int64{3, 4}, []int64{letters[0].Version, letters[0].WaitingVersion})
		})
	}
}
