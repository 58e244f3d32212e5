package inventory

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
)

func numbered(name string, seats, first, step int, labels ...string) Row {
	return Row{Name: name, Seats: seats, Numbering: Numbering{First: first, Step: step, Labels: labels}}
}

func TestRowsAreNumberedInAnyWay(t *testing.T) {
	odd, tail, gaps := numbered("A", 3, 1, 2), numbered("B", 2, 13, 0), numbered("C", 3, 0, 0, "1", "2", "4a")
	s := Given(t).When(Add{Section: "Stalls", Price: eur(1), Rows: []Row{odd, tail, gaps}}).ThenAccepted().State()
	labels := func(row int) (all []string) {
		for i := range s.Sections[0].Rows[row].Seats {
			all = append(all, s.Sections[0].Rows[row].Label(i))
		}
		return all
	}
	require.Equal(t, []string{"A-1", "A-3", "A-5"}, labels(0))
	require.Equal(t, []string{"B-13", "B-14"}, labels(1))
	require.Equal(t, []string{"C-1", "C-2", "C-4a"}, labels(2))
	for _, row := range []int{0, 1, 2} {
		for i, label := range labels(row) {
			at, ok := s.Sections[0].findSeat(label)
			require.True(t, ok, label)
			require.Equal(t, place{row, i}, at)
		}
	}
	for _, unknown := range []string{"A-2", "A-7", "A-0", "A--1", "A-01", "B-12", "B-15", "B-1", "C-3", "C-4A", "C-"} {
		_, ok := s.Sections[0].findSeat(unknown)
		require.False(t, ok, unknown)
	}
	require.Equal(t, s, throughSnapshot(t, s))
}

func TestNumbersAsByDefaultAreNotStored(t *testing.T) {
	Given(t).When(Add{Section: "Stalls", Price: stalls.Price, Rows: []Row{numbered("A", 4, 1, 1), numbered("B", 3, 1, 0)}}).Then(stalls)
}

func TestNumberingRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		row   Row
		field []string
	}{
		"a first number below":   {numbered("A", 1, -1, 0), []string{"firstNumber"}},
		"a first number above":   {numbered("A", 1, MostFirstNumber+1, 0), []string{"firstNumber"}},
		"a step below":           {numbered("A", 1, 0, -1), []string{"step"}},
		"a step above":           {numbered("A", 1, 0, MostStep+1), []string{"step"}},
		"two ways":               {numbered("A", 1, 1, 0, "1"), []string{"labels"}},
		"too few labels":         {numbered("A", 2, 0, 0, "1"), []string{"labels"}},
		"too many labels":        {numbered("A", 1, 0, 0, "1", "2"), []string{"labels"}},
		"a label that is twice":  {numbered("A", 2, 0, 0, "a", "A"), []string{"labels", "1"}},
		"a label with a hyphen":  {numbered("A", 1, 0, 0, "1-2"), []string{"labels", "0"}},
		"a blank label":          {numbered("A", 1, 0, 0, " "), []string{"labels", "0"}},
		"a label that is longer": {numbered("A", 1, 0, 0, "12345678901"), []string{"labels", "0"}},
	} {
		t.Run(name, func(t *testing.T) {
			Given(t).When(Add{Section: "s", Price: eur(1), Rows: []Row{c.row}}).ThenRejected(rejection.Invalid, append([]string{"rows", "0"}, c.field...)...)
			Given(t, stalls).When(Update{Section: "Stalls", Rows: []Row{c.row}}).ThenRejected(rejection.Invalid, append([]string{"rows", "0"}, c.field...)...)
		})
	}
}
