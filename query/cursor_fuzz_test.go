package query

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzCursor checks that any text is refused or the key of a place in its own list, and of no other.
func FuzzCursor(f *testing.F) {
	for _, seed := range []string{
		eventList.encodeCursor("1700000000000000", "evt_1"), seatList.ordinalCursor(12), versionList.encodeCursor("3", ""),
		spendingList.encodeCursor("-9223372036854775808", "usr_1"), sectionList.encodeCursor("1", "evt_1:Floor"), "", "====", "ZXZlbnQ6",
		eventList.encodeCursor("9223372036854775807", "x"),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		read := 0
		if key, err := eventList.parseInstant(cursor); err == nil {
			read++
			again, err := eventList.parseInstant(eventList.instantCursor(key.at, key.id))
			require.NoError(t, err)
			require.Equal(t, key, again)
			require.True(t, key.at.After(beforeAll.at) && key.at.Before(afterAll.at), "strictly between the ends")
		}
		if key, err := seatList.parseOrdinal(cursor); err == nil {
			read++
			again, err := seatList.parseOrdinal(seatList.ordinalCursor(int(key)))
			require.NoError(t, err)
			require.Equal(t, key, again)
		}
		if key, err := versionList.parseVersion(cursor); err == nil {
			read++
			again, err := versionList.parseVersion(versionList.encodeCursor(strconv.FormatInt(key, 10), ""))
			require.NoError(t, err)
			require.Equal(t, key, again)
		}
		if key, err := spendingList.parseSpending(cursor); err == nil {
			read++
			require.NotEmpty(t, key.id)
		}
		if key, err := sectionList.parseStanding(cursor); err == nil {
			read++
			require.NotEmpty(t, key.event)
		}
		require.LessOrEqual(t, read, 1, "a cursor of two lists")
	})
}
