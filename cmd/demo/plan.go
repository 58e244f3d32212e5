package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"ticketing/clients/go/api"
)

// The sections of the demo's event: together they have about two thirds of the tickets that the customers want.
const (
	floor       = "Floor"   // general admission
	balcony     = "Balcony" // numbered seats
	seatsPerRow = 10
)

func floorCapacity(customers int) int { return max(3, customers*9/10) }
func balconyRows(customers int) int   { return min(100, max(1, customers*3/4/seatsPerRow)) }

// plan is what a customer is going to do.
type plan struct {
	arrives time.Duration // after sales opened
	thinks  time.Duration // before paying
	items   []api.ReserveItemInput
	end     stage  // paid, declined, cancelled or holding
	card    string // to pay with
	watches bool   // subscribes to the reservation's status
}

// endings are what customers do with a reservation, in fixed shares, so that even a few customers show all of them.
var endings = []plan{
	{end: paid, card: "pm_card_visa"}, {end: declined, card: "pm_card_chargeDeclined"}, {end: paid, card: "pm_card_visa"},
	{end: paid, card: "pm_card_authenticationRequired"}, {end: paid, card: "pm_card_visa"}, {end: cancelled}, {end: paid, card: "pm_card_visa"},
	{end: holding}, {end: paid, card: "pm_card_visa"}, {end: paid, card: "pm_card_visa"},
}

// makePlans decides what customers will do, the same in each run. They come within the rush, most of them early.
func makePlans(customers int, rush time.Duration) []plan {
	random := rand.New(rand.NewPCG(1, 0)) //nolint:gosec // repeatable, not secret
	plans := make([]plan, customers)
	for i := range plans {
		u := random.Float64()
		plans[i] = endings[i%len(endings)]
		plans[i].arrives = time.Duration(u * u * float64(rush))
		plans[i].thinks = min(rush, time.Duration(200+random.IntN(1300))*time.Millisecond)
		plans[i].items = chooseItems(i%7, balconyRows(customers), random)
		plans[i].watches = i%3 == 0
	}
	return plans
}

// chooseItems returns items of one of seven kinds: three are of the floor, one is for the best seats of the balcony, two are for certain
// seats, and one is for both sections. Many want to sit in front.
func chooseItems(kind, rows int, random *rand.Rand) []api.ReserveItemInput {
	u := random.Float64()
	row, first := 1+int(u*u*float64(rows)), 1+random.IntN(seatsPerRow-1)
	seats := []string{fmt.Sprintf("%d-%d", row, first), fmt.Sprintf("%d-%d", row, first+1)}
	switch kind {
	case 0, 2, 4:
		return []api.ReserveItemInput{{Section: floor, Quantity: new(1 + random.IntN(4))}}
	case 1:
		return []api.ReserveItemInput{{Section: balcony, Quantity: new(1 + random.IntN(4))}}
	case 3, 5:
		return []api.ReserveItemInput{{Section: balcony, Seats: seats}}
	}
	return []api.ReserveItemInput{{Section: floor, Quantity: new(1 + random.IntN(2))}, {Section: balcony, Seats: seats}}
}
