package inventory

import (
	"cmp"
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"
)

// Best-available is compared with the best of all possible choices. A hall is a bit mask: bit r*width+s is set if seat s of row r is
// free. A choice is a mask of free seats.
type tinyHall struct{ rows, width int }

// merit ranks choices, by its first field first. Less is better.
type merit struct{ groups, orphans, at int }

func (m merit) compare(other merit) int {
	return cmp.Or(cmp.Compare(m.groups, other.groups), cmp.Compare(m.orphans, other.orphans), cmp.Compare(m.at, other.at))
}

// meritOf counts the groups of neighbours in a choice and the single seats that it newly leaves, and finds its first seat.
func (h tinyHall) meritOf(free, choice uint) merit {
	m := merit{at: bits.TrailingZeros(choice)}
	for row := range h.rows {
		mine, before := h.row(choice, row), h.row(free, row)
		after := before &^ mine
		m.groups += bits.OnesCount(mine &^ (mine << 1))
		for seat := range h.width {
			if single(after, seat) && !single(before, seat) {
				m.orphans++
			}
		}
	}
	return m
}

func (h tinyHall) row(mask uint, row int) uint { return mask >> (row * h.width) & (1<<h.width - 1) }

func single(row uint, seat int) bool {
	return row>>seat&1 == 1 && row<<1>>seat&1 == 0 && row>>1>>seat&1 == 0
}

// bestOf tries every choice of the free seats and returns the best merit for each size.
func (h tinyHall) bestOf(free uint) map[int]merit {
	best := map[int]merit{}
	for choice := free; choice != 0; choice = (choice - 1) & free {
		n, m := bits.OnesCount(choice), h.meritOf(free, choice)
		if known, ok := best[n]; !ok || m.compare(known) < 0 {
			best[n] = m
		}
	}
	return best
}

// section builds the hall with its seats as the mask says.
func (h tinyHall) section(free uint) *Section {
	added := InventoryAdded{Section: "Stalls", Capacity: h.rows * h.width}
	for row := range h.rows {
		added.Rows = append(added.Rows, Row{Name: string(rune('A' + row)), Seats: h.width})
	}
	s := newSection(added)
	for row := range h.rows {
		for seat := range h.width {
			if h.row(free, row)>>seat&1 == 0 {
				s.Rows[row].Seats[seat] = Sold
				s.Sold++
			}
		}
		s.Rows[row].longest = longestRun(s.Rows[row].Seats)
	}
	return s
}

// choose returns the choice of best-available, or 0 if it rejects.
func (h tinyHall) choose(t *testing.T, free uint, n int) uint {
	p := newSelection(h.section(free))
	if err := p.want(n); err != nil {
		return 0
	}
	p.addBest()
	var choice uint
	for _, at := range p.seats {
		choice |= 1 << (at.row*h.width + at.seat)
	}
	require.Equal(t, n, bits.OnesCount(choice), "seats are chosen twice in %b", free)
	require.Zero(t, choice&^free, "a seat of %b is not free", choice)
	return choice
}

// This tries every hall of these shapes with every number of tickets. Groups that fit together get the best seats. Others are split as
// little as possible, but the longest gaps are filled first, which leaves at most one single seat more than the best choice (four seats
// in gaps of three, two and two: 3+1 instead of 2+2).
func TestBestAvailableAgainstEveryChoice(t *testing.T) {
	for _, h := range []tinyHall{{3, 4}, {4, 3}, {2, 5}, {1, 11}, {4, 2}, {10, 1}} {
		for free := range uint(1) << (h.rows * h.width) {
			h.checkAgainstBest(t, free)
		}
	}
}

func (h tinyHall) checkAgainstBest(t *testing.T, free uint) {
	left := bits.OnesCount(free)
	require.Zero(t, h.choose(t, free, left+1), "one more than the %d of %b", left, free)
	for n, want := range h.bestOf(free) {
		got := h.meritOf(free, h.choose(t, free, n))
		together := got == want
		apart := want.groups > 1 && got.groups == want.groups && got.orphans <= want.orphans+1
		if !together && !apart {
			t.Fatalf("%d of %b in %+v: got %+v, the best is %+v", n, free, h, got, want)
		}
	}
}
