package availability

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ticketing/command/eventstore"
	"ticketing/command/inventory"
	"ticketing/internal/money"
	"ticketing/projector/projection"
)

// Whatever is reserved, sold and given back: the rows say what the aggregate's state says.
func TestRowsAreThoseOfTheInventorysState(t *testing.T) {
	t.Parallel()
	command := rapid.Custom(func(t *rapid.T) inventory.Command {
		id := fmt.Sprint("rsv_", rapid.IntRange(1, 4).Draw(t, "reservation"))
		quantity := rapid.IntRange(1, 3).Draw(t, "quantity")
		label := fmt.Sprint("A-", rapid.IntRange(1, 5).Draw(t, "seat"))
		return rapid.SampledFrom([]inventory.Command{
			inventory.Reserve{ReservationID: id, CustomerID: "usr_1", MaxPerReservation: 8, Items: []inventory.ReserveItem{{Section: "Floor", Quantity: &quantity}}},
			inventory.Reserve{ReservationID: id, CustomerID: "usr_1", MaxPerReservation: 8, Items: []inventory.ReserveItem{
				{Section: "Stalls", Labels: []string{label}}, {Section: "Floor", Quantity: &quantity},
			}},
			inventory.Confirm{ReservationID: id}, inventory.Release{ReservationID: id},
		}).Draw(t, "kind")
	})
	rapid.Check(t, func(t *rapid.T) {
		var state inventory.State
		changes, capacity, price := newChanges(), 6, money.Money{Minor: 20_00, Currency: "EUR"}
		commands := []inventory.Command{
			inventory.Add{Section: "Floor", Price: price, Capacity: &capacity},
			inventory.Add{Section: "Stalls", Price: price, Rows: []inventory.Row{{Name: "A", Seats: 5}}},
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

func requireSameState(t *rapid.T, state inventory.State, c *changes) {
	require.Len(t, c.sections, len(state.Sections))
	for i, s := range state.Sections {
		row := c.sections[sectionKey{"evt_1", s.Name}]
		require.Equal(t, []int{i, s.Capacity, s.Available(), s.Reserved, s.Sold},
			[]int{int(row.Ordinal), int(row.Capacity), int(row.Available), int(row.Reserved), int(row.Sold)})
		require.Equal(t, s.Seated(), row.Seated)
		for _, r := range s.Rows {
			for j, status := range r.Seats {
				require.Equal(t, status.String(), c.seats[seatKey{sectionKey{"evt_1", s.Name}, fmt.Sprint(r.Name, "-", j+1)}].status)
			}
		}
	}
}
