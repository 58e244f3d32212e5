package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// soundWorld is a small sale in which everything adds up: each test breaks one thing of it.
func soundWorld(t *testing.T) World {
	t.Helper()
	euro := func(amount string) Money { return Money{Amount: amount, CurrencyCode: "EUR"} }
	paid := &Reservation{ID: "rsv_paid", Version: 3, Status: "COMPLETED", Total: euro("120.10"),
		Seats:    []ReservedSeat{{floor, "", euro("40.05")}, {balcony, "A-1", euro("80.05")}},
		Payments: []Payment{{ID: "pay_1", Status: "COMPLETED", Amount: euro("120.10")}}}
	declined := &Reservation{ID: "rsv_declined", Version: 3, Status: "COMPENSATED", Total: euro("80.05"),
		Seats: []ReservedSeat{{balcony, "A-2", euro("80.05")}}, Payments: []Payment{{ID: "pay_2", Status: "FAILED", Amount: euro("80.05")}}}
	held := &Reservation{ID: "rsv_held", Version: 1, Status: "SEATS_RESERVED", Total: euro("80.05"), Seats: []ReservedSeat{{balcony, "A-2", euro("80.05")}}}
	event := Event{ID: "evt_1", InventoryVersion: 9, Sections: []Section{
		{Name: floor, Capacity: 2, Available: 1, Sold: 1},
		{Name: balcony, Capacity: 3, Available: 1, Reserved: 1, Sold: 1,
			Seats: SeatPage{Nodes: []Seat{{"A-1", "SOLD"}, {"A-2", "RESERVED"}, {"A-3", "AVAILABLE"}}}},
	}}
	watch := &Watch{What: "reservationStatus of rsv_paid"}
	watch.Tell(1, state(t, Reservation{Status: "SEATS_RESERVED"}), true)
	watch.Tell(3, state(t, Reservation{Status: "COMPLETED"}), false)
	counts := &Watch{What: "availability of evt_1"}
	counts.Tell(9, state(t, event), true)
	return World{Event: event, Counts: counts, Customers: []Outcome{
		{Name: "paid", Stage: Paid, Reservation: paid, Watch: watch},
		{Name: "declined", Stage: Declined, Reservation: declined},
		{Name: "held", Stage: Holding, Reservation: held},
		{Name: "late", Stage: SoldOut},
	}}
}

func state(t *testing.T, of any) json.RawMessage {
	t.Helper()
	encoded, err := json.Marshal(of)
	require.NoError(t, err)
	return encoded
}

func wrong(checks []Check) (all []string) {
	for _, c := range checks {
		all = append(all, c.Wrong...)
	}
	return all
}

func TestASoundSaleAddsUp(t *testing.T) {
	checks := Checks(soundWorld(t))
	assert.Empty(t, wrong(checks))
	assert.True(t, Holds(checks))
}

func TestWhatDiffersIsFound(t *testing.T) {
	for name, broken := range map[string]struct {
		change func(*World)
		want   string
	}{
		"a ticket vanished":           {func(w *World) { w.Event.Sections[0].Available = 0 }, "Floor: 1 sold + 0 reserved + 0 available, of 2"},
		"sold without reservation":    {func(w *World) { w.Event.Sections[0].Sold++ }, "Floor: 2 sold, but 1 tickets in completed reservations"},
		"reserved without hold":       {func(w *World) { w.Customers[2].Reservation.Status = "EXPIRED" }, "Balcony: 1 reserved, but 0 tickets in reservations that are not paid"},
		"a seat sold twice":           {func(w *World) { w.Customers[2].Reservation.Seats[0].Label = "A-1" }, "Balcony A-1 is in rsv_paid and in rsv_held"},
		"the seat map is behind":      {func(w *World) { w.Event.Sections[1].Seats.Nodes[0].Status = "RESERVED" }, "Balcony A-1 is RESERVED in the map, but SOLD by the reservations"},
		"a seat nobody knows":         {func(w *World) { w.Customers[2].Reservation.Seats[0].Label = "Z-9" }, "Balcony Z-9 is in rsv_held, but not in the map"},
		"a page of the map missing":   {func(w *World) { w.Event.Sections[1].Seats.Nodes = w.Event.Sections[1].Seats.Nodes[:2] }, "Balcony: 2 seats in the map, of 3"},
		"a cent too much":             {func(w *World) { w.Customers[0].Reservation.Payments[0].Amount.Amount = "120.11" }, "120.11 EUR in payments, 120.10 EUR in reservations, 120.10 EUR in tickets"},
		"another currency":            {func(w *World) { w.Customers[0].Reservation.Payments[0].Amount.CurrencyCode = "USD" }, "120.10 USD in payments, 120.10 EUR in reservations, 120.10 EUR in tickets"},
		"an amount that is none":      {func(w *World) { w.Customers[0].Reservation.Total.Amount = "NaN" }, `"NaN" is no amount of "EUR"`},
		"declined, and completed":     {func(w *World) { w.Customers[1].Reservation.Status = "COMPLETED" }, "declined ended as declined, but rsv_declined is COMPLETED"},
		"charged twice":               {func(w *World) { p := &w.Customers[0].Reservation.Payments; *p = append(*p, (*p)[0]) }, "rsv_paid is COMPLETED, with 2 completed payments"},
		"charged without tickets":     {func(w *World) { w.Customers[1].Reservation.Payments[0].Status = "COMPLETED" }, "rsv_declined is COMPENSATED, with 1 completed payments"},
		"not to be read":              {func(w *World) { w.Customers[0].Reservation = nil }, "paid ended as paid, without a reservation"},
		"a subscription is behind":    {func(w *World) { w.Customers[0].Reservation.Version = 4 }, "reservationStatus of rsv_paid told version 3, COMPLETED last; it is at version 4, COMPLETED"},
		"a subscription told nothing": {func(w *World) { w.Customers[0].Watch = &Watch{What: "it"} }, "it told version 0,  last; it is at version 3, COMPLETED"},
		"counts went back":            {func(w *World) { w.Counts.Tell(8, nil, true) }, "availability of evt_1: version 8 was told after version 9"},
		"a version told twice":        {func(w *World) { w.Counts.Tell(9, nil, false) }, "availability of evt_1: version 9 was told after version 9"},
		"counts differ":               {func(w *World) { w.Counts.state = json.RawMessage(`{"sections":[]}`) }, "availability of evt_1 told version 9 last; it is at version 9"},
		"nothing was read":            {func(w *World) { w.Event = Event{} }, "the event has no sections"},
	} {
		t.Run(name, func(t *testing.T) {
			world := soundWorld(t)
			broken.change(&world)
			checks := Checks(world)
			assert.Contains(t, wrong(checks), broken.want)
			assert.False(t, Holds(checks))
		})
	}
}

func TestTheLastStateMayBeToldAgainAfterReconnecting(t *testing.T) {
	world := soundWorld(t)
	_, state, _ := world.Counts.Told()
	world.Counts.Tell(9, state, true)
	assert.Empty(t, wrong(Checks(world)))
}

func TestMoneyIsAddedExactly(t *testing.T) {
	sum := Sum{}
	for range 1000 {
		require.True(t, sum.Add(Money{"0.10", "EUR"}))
	}
	assert.Equal(t, "100.00 EUR", sum.String())
	assert.True(t, sum.Equals(Sum{"EUR": sum["EUR"]}))
	assert.False(t, sum.Equals(Sum{}))
}
