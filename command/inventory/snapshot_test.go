package inventory

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/scenario"
)

// throughSnapshot returns the state as it is read back from its snapshot.
func throughSnapshot(t scenario.T, s State) State {
	data, err := s.AppendBinary(nil)
	require.NoError(t, err)
	var read State
	require.NoError(t, read.UnmarshalBinary(data))
	return read
}

func TestATruncatedSnapshotIsRejected(t *testing.T) {
	state := Given(t, stalls, pit, laidOut, mine, held("rsv_2", bob, seats("A-4", "B-1"), standing(1))).State()
	data, err := state.AppendBinary(nil)
	require.NoError(t, err)
	for n := range data {
		require.Error(t, new(State).UnmarshalBinary(data[:n]), "%d of %d bytes", n, len(data))
	}
	require.Error(t, new(State).UnmarshalBinary(append(data, 0)))
}

func FuzzSnapshot(f *testing.F) {
	state := Given(f, stalls, pit, mine, laidOut).State()
	data, err := state.AppendBinary(nil)
	require.NoError(f, err)
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		var read State
		if read.UnmarshalBinary(data) == nil {
			require.Equal(t, read, throughSnapshot(t, read))
		}
	})
}

func TestASnapshotHoldsTheWholeState(t *testing.T) {
	bought := held("rsv_2", bob, seats("A-4", "B-1"), standing(1))
	for name, history := range map[string][]DomainEvent{
		"nothing":           nil,
		"sections":          {stalls, pit},
		"layouts":           {laidOut},
		"a hold":            {stalls, pit, mine},
		"a hold and a sale": {stalls, pit, mine, bought, sold(bought)},
		"all free again":    {stalls, pit, mine, freed(mine)},
	} {
		t.Run(name, func(t *testing.T) {
			state := Given(t, history...).State()
			require.Equal(t, state, throughSnapshot(t, state))
		})
	}
}

// Best-available skips rows by a number that is not in the snapshot: as zero it would hide all seats.
func TestAStateFromASnapshotDecidesAlike(t *testing.T) {
	history := hall(".x..", "....", "x...")
	for n := 1; n <= 10; n++ {
		state := Given(t, history...).State()
		want, err := Decide(state, reserve(alice, best("Stalls", n)), scenario.Now)
		require.NoError(t, err)
		got, err := Decide(throughSnapshot(t, state), reserve(alice, best("Stalls", n)), scenario.Now)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestSizeGrowsWithTheStateInMemory(t *testing.T) {
	size := func(history ...DomainEvent) int { return Given(t, history...).State().Size() }
	require.Less(t, size(), size(pit))
	require.Less(t, size(pit), size(pit, held("rsv_1", alice, standing(1))))
	arena := InventoryAdded{Section: "arena", Capacity: MostSeats, Rows: rows(MostSeats/MostSeatsInRow, MostSeatsInRow)}
	require.Greater(t, size(arena), MostSeats, "a numbered seat takes a byte")
	field := InventoryAdded{Section: "field", Capacity: MostCapacity}
	require.Less(t, size(field), 1_000, "what is only counted takes none")
}
