package inventory

import (
	"cmp"
	"slices"
	"strconv"
)

// Numbering says how the seats of a row are numbered. The zero value is 1, 2, 3 and so on.
type Numbering struct {
	First  int      `json:"firstNumber,omitempty"` // Default: 1.
	Step   int      `json:"step,omitempty"`        // from one seat to the next. Default: 1.
	Labels []string `json:"labels,omitempty"`      // the number of each seat, instead of First and Step
}

// Label returns the label of the i-th seat of the row, counted from 0: "<row>-<number>".
func (r Row) Label(i int) string { return r.Name + "-" + r.numberAt(i) }

// Label returns the label of the i-th seat of the row, counted from 0: "<row>-<number>".
func (r SeatRow) Label(i int) string { return r.Name + "-" + r.numberAt(i) }

func (n Numbering) numberAt(i int) string {
	if len(n.Labels) > 0 {
		return n.Labels[i]
	}
	return strconv.Itoa(cmp.Or(n.First, 1) + i*cmp.Or(n.Step, 1))
}

// findNumber returns the index of the seat with this number in a row of so many seats.
func (n Numbering) findNumber(number string, seats int) (int, bool) {
	if len(n.Labels) > 0 {
		i := slices.Index(n.Labels, number)
		return i, i >= 0
	}
	value, err := strconv.Atoi(number)
	if err != nil || strconv.Itoa(value) != number {
		return 0, false
	}
	step := cmp.Or(n.Step, 1)
	distance := value - cmp.Or(n.First, 1)
	i := distance / step
	return i, distance >= 0 && distance%step == 0 && i < seats
}
