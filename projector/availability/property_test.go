package availability

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ticketing/command/eventstore"
	"ticketing/command/inventory"
	"ticketing/internal/money"
	"ticketing/projector/db"
	"ticketing/projector/projection"
)

// Whatever is reserved, sold and given back: the rows say what the aggregate's state says.
func TestRowsAreThoseOfTheInventorysState(t *testing.T) {
	t.Parallel()
	command := rapid.Custom(func(t *rapid.T) inventory.Command {
		id := fmt.Sprint("rsv_", rapid.IntRange(1, 4).Draw(t, "reservation"))
		quantity := rapid.IntRange(1, 3).Draw(t, "quantity")
		layout := func() *inventory.Layout {
			return rapid.SampledFrom([]*inventory.Layout{nil, {X: 1.5}, {X: 1.5, Y: -2, Rotation: 45}}).Draw(t, "layout")
		}
		label := fmt.Sprint("A-", rapid.IntRange(1, 5).Draw(t, "seat"))
		return rapid.SampledFrom([]inventory.Command{
			inventory.Reserve{ReservationID: id, CustomerID: "usr_1", MaxPerReservation: 8, Items: []inventory.ReserveItem{{Section: "Floor", Quantity: &quantity}}},
			inventory.Reserve{ReservationID: id, CustomerID: "usr_1", MaxPerReservation: 8, Items: []inventory.ReserveItem{
				{Section: "Stalls", Labels: []string{label}}, {Section: "Floor", Quantity: &quantity},
			}},
			inventory.Confirm{ReservationID: id}, inventory.Release{ReservationID: id},
			inventory.Update{Section: "Stalls", Block: []string{label}}, inventory.Update{Section: "Stalls", Unblock: []string{label}},
			inventory.Update{Section: "Stalls", Accessible: []string{label}}, inventory.Update{Section: "Stalls", Unmark: []string{label}},
			inventory.Update{Section: "Floor", Capacity: new(quantity + 4), Price: &money.Money{Minor: int64(quantity), Currency: "EUR"}},
			inventory.Update{Section: "Stalls", Rows: []inventory.Row{
				{Name: "A", Seats: quantity + 2, Numbering: inventory.Numbering{First: rapid.IntRange(1, 2).Draw(t, "first")}},
				{Name: rapid.SampledFrom([]string{"B", "C"}).Draw(t, "row"), Seats: quantity, Layout: layout()},
			}},
			inventory.Update{Section: "Stalls", Rows: []inventory.Row{{Name: "A", Seats: quantity + 2, Layout: layout()}}},
			inventory.Update{Section: "Stalls", Rows: []inventory.Row{{Name: rapid.SampledFrom([]string{"A", "B", "C"}).Draw(t, "removed")}}},
		}).Draw(t, "kind")
	})
	rapid.Check(t, func(t *rapid.T) {
		var state inventory.State
		changes, capacity, price := newChanges(), 6, money.Money{Minor: 20_00, Currency: "EUR"}
		commands := []inventory.Command{
			inventory.Add{Section: "Floor", Price: price, Capacity: &capacity},
			inventory.Add{Section: "Stalls", Price: price, Rows: []inventory.Row{{Name: "A", Seats: 5, Layout: rapid.SampledFrom([]*inventory.Layout{nil, {Y: 1}}).Draw(t, "layout")}}},
		}
		commands = append(commands, rapid.SliceOfN(command, 1, 20).Draw(t, "commands")...)
		for _, c := range commands {
			decided, err := inventory.Decide(state, c, time.Time{})
			if err != nil {
				continue // a rejection
			}
			for _, e := range decided {
				state = inventory.Evolve(state, e)
				require.NoError(t, changes.apply(&projection.Record{Recorded: eventstore.Recorded{StreamID: inventory.Stream("evt_1")}, Event: e}))
			}
		}
		requireSameState(t, state, changes)
	})
}

func labelsOf(r inventory.SeatRow) []string {
	labels := make([]string, len(r.Seats))
	for i := range labels {
		labels[i] = r.Label(i)
	}
	return labels
}

func requireSameState(t *rapid.T, state inventory.State, c *changes) {
	require.Len(t, c.sections, len(state.Sections))
	for i, s := range state.Sections {
		row := c.sections[sectionKey{"evt_1", s.Name}]
		require.Equal(t, []int{i, s.Capacity, s.Available(), s.Reserved, s.Sold, s.Blocked, int(s.Price.Minor)},
			[]int{int(row.Ordinal), int(row.Capacity), int(row.Available), int(row.Reserved), int(row.Sold), int(row.Blocked), int(row.Price)})
		require.Equal(t, s.Seated(), row.Seated)
		ordinal := int32(0)
		for at, r := range s.Rows {
			for j, status := range r.Seats {
				seat, marks := c.seats[seatKey{sectionKey{"evt_1", s.Name}, r.Label(j)}], s.MarksAt(at, j)
				require.NotNil(t, seat, r.Label(j))
				require.False(t, seat.removed, r.Label(j))
				require.Equal(t, db.Seat{
					EventID: "evt_1", Section: s.Name, Label: r.Label(j), Ordinal: ordinal, Status: status.String(),
					Accessible: marks&inventory.Accessible != 0, RestrictedView: marks&inventory.RestrictedView != 0,
					Layout: LayoutColumn(r.Layout, j),
				}, seat.Seat)
				ordinal++
			}
		}
	}
	for key, seat := range c.seats {
		at := state.Section(key.name)
		require.Equal(t, !seat.removed, slices.ContainsFunc(at.Rows, func(r inventory.SeatRow) bool {
			return slices.Contains(labelsOf(r), key.label)
		}), key.label)
	}
}
