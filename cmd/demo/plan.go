package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// The sections of the demo's event.
const (
	floor   = "Floor"   // general admission
	balcony = "Balcony" // numbered seats
)

// House is what there is to sell.
type House struct {
	Floor       int // tickets
	Rows        int // of the balcony: A, B, …
	SeatsPerRow int
}

// HouseFor answers a house that is too small for so many customers: it has two thirds of what they will ask for, about.
func HouseFor(customers int) House {
	rows := min(26, max(2, customers/20))
	return House{Floor: max(3, customers*9/10), Rows: rows, SeatsPerRow: max(3, customers*3/4/rows)}
}

// Tickets answers how many tickets there are.
func (h House) Tickets() int { return h.Floor + h.Rows*h.SeatsPerRow }

// RowName answers the name of a row.
func RowName(row int) string { return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[row : row+1] }

// Ending is what a customer does with a reservation.
type Ending int

// The endings.
const (
	Pays Ending = iota
	IsDeclined
	Authenticates // pays with a card whose bank wants to see its owner
	Cancels
	WalksAway
)

// Plan is what a customer is going to do.
type Plan struct {
	Arrives time.Duration // after sales opened
	Thinks  time.Duration // before paying, and before whatever else takes people time
	Wish    []Item
	Ending  Ending
	Watches bool // follows the reservation's status
}

// Plans decides what customers will do: the endings and the kinds of wishes come in fixed shares, so that even a few customers
// show all of them; the rest is chance, the same for the same seed. Customers come within the rush, most of them early.
func Plans(customers int, house House, rush time.Duration, seed uint64) []Plan {
	endings := [...]Ending{
		Pays, Pays, Authenticates, Pays, IsDeclined, Pays, Cancels, Pays, WalksAway, Pays,
		Pays, Pays, Authenticates, Pays, IsDeclined, Pays, Pays, Pays, WalksAway, Pays,
	}
	chance := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // it shall be repeatable, not secret
	plans := make([]Plan, customers)
	for i := range plans {
		u := chance.Float64()
		plans[i] = Plan{
			Arrives: time.Duration(u * u * float64(rush)),
			Wish:    wish(i%7, house, chance),
			Ending:  endings[i%len(endings)],
			Watches: i%3 == 0,
		}
		if rush > 0 {
			plans[i].Thinks = time.Duration(200+chance.IntN(1300)) * time.Millisecond
		}
	}
	slices.SortStableFunc(plans, func(a, b Plan) int { return cmp.Compare(a.Arrives, b.Arrives) })
	return plans
}

// wish is one of seven kinds, of which three are for the floor only, one for the best seats, two for certain seats, and one for
// both sections: such a reservation is made as a whole or not at all.
func wish(kind int, house House, chance *rand.Rand) []Item {
	switch kind {
	case 0, 2, 4:
		return []Item{{Section: floor, Quantity: 1 + chance.IntN(4)}}
	case 1:
		return []Item{{Section: balcony, Quantity: 1 + chance.IntN(4)}}
	case 3, 5:
		return []Item{{Section: balcony, Seats: neighbours(house, 1+chance.IntN(3), chance)}}
	}
	return []Item{{Section: floor, Quantity: 1 + chance.IntN(2)}, {Section: balcony, Seats: neighbours(house, 2, chance)}}
}

// neighbours picks seats side by side, rather in front than in the back: where everybody wants to sit, many come too late.
func neighbours(house House, n int, chance *rand.Rand) []string {
	u := chance.Float64()
	row := RowName(int(u * u * float64(house.Rows)))
	first := 1 + chance.IntN(house.SeatsPerRow-n+1)
	labels := make([]string, n)
	for i := range labels {
		labels[i] = fmt.Sprintf("%s-%d", row, first+i)
	}
	return labels
}

// Tickets answers how many tickets a wish is for.
func Tickets(wish []Item) (n int) {
	for _, item := range wish {
		n += item.Quantity + len(item.Seats)
	}
	return n
}
