package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestCrowdsWantMoreThanThereIs(t *testing.T) {
	for _, customers := range []int{1, 2, 5, 19, 20, 77, 200, 1000, 5000} {
		house := HouseFor(customers)
		plans := Plans(customers, house, time.Second, 1)
		wanted := 0
		for _, plan := range plans {
			n := Tickets(plan.Wish)
			assert.True(t, n >= 1 && n <= 8)
			wanted += n
		}
		if customers >= 20 {
			assert.Greater(t, wanted, house.Floor+house.Rows*house.SeatsPerRow, "%d customers", customers)
		}
		assert.LessOrEqual(t, house.Rows, 26)
		assert.Equal(t, plans, Plans(customers, house, time.Second, 1), "the same seed")
	}
}

func TestAFewCustomersShowEveryEnding(t *testing.T) {
	seen := map[Ending]bool{}
	for _, plan := range Plans(10, HouseFor(10), 0, 1) {
		seen[plan.Ending] = true
		assert.Zero(t, plan.Arrives+plan.Thinks, "nobody stops to think")
	}
	assert.Len(t, seen, 5)
}
