package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"ticketing/internal/apiclient"
)

// The parts of the API's objects that the demo uses.
type (
	money struct{ Amount, CurrencyCode string } // an exact decimal, never a float
	event struct {
		ID               string
		InventoryVersion int
		Sections         []section
	}
	section struct {
		Name                                string
		Capacity, Available, Reserved, Sold int
	}
	reservation struct {
		ID, Status string
		Version    int
		ExpiresAt  time.Time
		Total      money
		Seats      []struct{ Section, Label string } // general admission has no label
		Payments   []payment
	}
	payment struct {
		ID, Status string
		Amount     money
	}
	// input is an input object, and the variables of an operation.
	input = map[string]any
	// results are root fields of operations and parts of payloads.
	results struct {
		Event, Availability            event
		Reservation, ReservationStatus reservation
		Payment                        payment
	}
)

func (r reservation) completedPayments() []payment {
	return slices.DeleteFunc(slices.Clone(r.Payments), func(p payment) bool { return p.Status != "COMPLETED" })
}

const (
	eventFields = `{ id inventoryVersion sections { name capacity available reserved sold } }`
	openSales   = `mutation OpenSales($floor: AddInventoryInput!, $balcony: AddInventoryInput!, $event: EventIDInput!) {
		floor: addInventory(input: $floor) { userErrors { code message } }
		balcony: addInventory(input: $balcony) { userErrors { code message } }
		publishEvent(input: $event) { userErrors { code message } }
		openSales(input: $event) { event ` + eventFields + ` userErrors { code message } } }`
	readEvent       = `query Event($id: ID!) { event(id: $id) ` + eventFields + ` }`
	readReservation = `query Reservation($id: ID!, $minVersion: Int!) { reservation(id: $id, minVersion: $minVersion) {
		id version status expiresAt total { amount currencyCode } seats { section label }
		payments { id status amount { amount currencyCode } } } }`
	watchReservation  = `subscription ReservationStatus($id: ID!) { reservationStatus(id: $id) { id version status } }`
	watchAvailability = `subscription Availability($id: ID!) { availability(eventId: $id) ` + eventFields + ` }`
)

// customer is one customer's way through the sale. Only one goroutine at a time uses it.
type customer struct {
	name        string
	client      *apiclient.Client
	plan        plan
	stage       stage
	reservation reservation // as the latest response has it; without an ID if there is none
	failure     error       // why the stage is failed
	watch       watch       // only if the plan says so
}

// stage is how far a customer came: "holding" without paying, or "failed" with an error that the demo does not expect.
type stage string

const (
	toCome, shopping, secondChoice, paying stage = "to come", "shopping", "choosing again", "paying"
	paid, declined, cancelled              stage = "paid", "declined", "cancelled"
	holding, expired, soldOut, failed      stage = "holding", "expired", "without tickets", "failed"
)

var ends = []stage{paid, declined, cancelled, holding, expired, soldOut, failed}

// watch is what a subscription received. The board's lock guards it.
type watch struct {
	version int
	latest  results
	failure error
}

// receive stores a state. Versions never fall, not even over a new connection.
func (w *watch) receive(state results, err error) {
	version := state.ReservationStatus.Version + state.Availability.InventoryVersion // one of them is 0
	if err == nil && version < w.version {
		err = fmt.Errorf("version %d came after version %d", version, w.version)
	}
	w.version, w.latest, w.failure = version, state, cmp.Or(w.failure, err)
}
