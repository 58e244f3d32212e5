package main

import (
	"cmp"
	"fmt"
	"slices"

	ticketing "ticketing/clients/go"
	"ticketing/clients/go/api"
)

// completedPayments returns the payments that took money.
func completedPayments(r api.Reservation) []api.Payment {
	return slices.DeleteFunc(slices.Clone(r.Payments), func(p api.Payment) bool { return p.Status != api.PaymentStatusCompleted })
}

// customer is one customer's way through the sale. Only one goroutine at a time uses it.
type customer struct {
	name        string
	client      *ticketing.Client
	plan        plan
	stage       stage
	reservation api.Reservation        // as the latest response has it; without an ID if there is none
	failure     error                  // why the stage is failed
	watch       watch[api.Reservation] // only if the plan says so
}

// stage is how far a customer came: "holding" without paying, or "failed" with an error that the demo does not expect.
type stage string

const (
	toCome, shopping, secondChoice, paying stage = "to come", "shopping", "choosing again", "paying"
	paid, declined, cancelled              stage = "paid", "declined", "cancelled"
	holding, expired, soldOut, failed      stage = "holding", "expired", "without tickets", "failed"
)

var ends = []stage{paid, declined, cancelled, holding, expired, soldOut, failed}

// watch is what a subscription received: states of a reservation, or of an event. The board's lock guards it.
type watch[T any] struct {
	version int
	latest  T
	failure error
}

// receive stores a state. Versions never fall, not even over a new connection.
func (w *watch[T]) receive(version int, state T) {
	if version < w.version {
		w.failure = cmp.Or(w.failure, fmt.Errorf("version %d came after version %d", version, w.version))
	}
	w.version, w.latest = version, state
}
