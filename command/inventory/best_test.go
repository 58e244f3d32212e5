package inventory

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBestAvailable(t *testing.T) {
	for name, c := range map[string]struct {
		hall []string
		n    int
		want string
	}{
		"the best row, lowest numbers":            {[]string{"....", "...."}, 2, "A-1 A-2"},
		"together before the better row":          {[]string{".x.x", "...."}, 2, "B-1 B-2"},
		"together, past what is taken":            {[]string{"..x...", "......"}, 3, "A-4 A-5 A-6"},
		"no orphan, so the next row":              {[]string{"...", "...."}, 2, "B-1 B-2"},
		"no orphan, so the gap that fits":         {[]string{"...x.."}, 2, "A-5 A-6"},
		"no orphan, so a row that fits":           {[]string{"...", ".."}, 2, "B-1 B-2"},
		"an orphan where it can't be helped":      {[]string{"...", "..."}, 2, "A-1 A-2"},
		"an orphan before being apart":            {[]string{"...", "x.x"}, 2, "A-1 A-2"},
		"one seat, and no other left alone":       {[]string{"..", "..."}, 1, "B-1"},
		"one seat that is alone already":          {[]string{"..", "x.x"}, 1, "B-2"},
		"apart, but in as few groups as can be":   {[]string{".x.x.", "x...x"}, 4, "B-2 B-3 B-4 A-1"},
		"apart, and the second group leaves none": {[]string{"....x", "...xx", "..xxx"}, 6, "A-1 A-2 A-3 A-4 C-1 C-2"},
		"everything": {[]string{".x.", "..."}, 5, "B-1 B-2 B-3 A-1 A-3"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, picked(Given(t, hall(c.hall...)...).When(reserve(alice, best("Stalls", c.n)))))
		})
	}
}

func TestBestAvailableTreatsNamedSeatsAsTaken(t *testing.T) {
	got := picked(Given(t, hall(".....", "....")...).When(reserve(alice, named("A-3"), best("Stalls", 3))))
	require.Equal(t, "A-3 B-1 B-2 B-3", got)
}

func TestBestAvailableUsesReleasedSeats(t *testing.T) {
	first := held("rsv_1", bob, seats("A-1", "A-2", "A-3", "A-4"))
	Given(t, stalls, first, freed(first)).When(reserve(alice, best("Stalls", 4))).
		Then(held("rsv_new", alice, seats("A-1", "A-2", "A-3", "A-4")))
}

// Best-available skips rows by it: too low a number hides seats, too high a number costs time.
func TestLongestRun(t *testing.T) {
	for picture, want := range map[string]int{"": 0, "x": 0, "xx": 0, ".": 1, "x.x": 1, "..x...": 3, "...x..": 3, "....": 4} {
		row := make([]SeatStatus, len(picture))
		for i, seat := range picture {
			if seat == 'x' {
				row[i] = Sold
			}
		}
		require.Equal(t, want, longestRun(row), picture)
	}
}
