package test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/inventory"
)

func (c *client) updateSection(eventID, section string, what vars) payload {
	c.t.Helper()
	input := vars{"eventId": eventID, "section": section}
	for k, v := range what {
		input[k] = v
	}
	return c.executeMutation("updateSection", "UpdateSectionInput", "event { "+eventFields+" }", input)
}

// The largest layout does not fit into one request.
func TestTheLargestLayoutIsSentInParts(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	organizer := s.admin()
	id := requireAccepted(t, organizer.createEvent(nil)).Event.ID
	const length = inventory.MostSeats / inventory.MostRows
	rows := func(from, to int) (rows []vars) {
		for i := from; i < to; i++ {
			rows = append(rows, vars{"row": fmt.Sprint("Row ", i), "seats": length})
		}
		return rows
	}
	const first, part = inventory.MostRows / 2, inventory.MostSeatsChanged / length
	body, err := json.Marshal(rows(0, first))
	require.NoError(t, err)
	require.Less(t, len(body), 100<<10)
	requireAccepted(t, organizer.addInventory(id, "Bowl", "20.00", vars{"rows": rows(0, first)}))
	for from := first; from < inventory.MostRows; from += part {
		requireAccepted(t, organizer.updateSection(id, "Bowl", vars{"rows": rows(from, from+part)}))
	}
	requireRejected(t, organizer.updateSection(id, "Bowl", vars{"rows": []vars{{"row": "one more", "seats": 1}}}), "INVALID", "rows")
	awaitSections(t, organizer, id, map[string][3]int{"Bowl": {inventory.MostSeats, 0, 0}})

	requireAccepted(t, organizer.eventAction("publishEvent", id))
	requireAccepted(t, organizer.eventAction("openSales", id))
	last := fmt.Sprintf("Row %d-%d", inventory.MostRows-1, inventory.MostSeats/inventory.MostRows)
	require.Equal(t, last, *requireAccepted(t, s.customer("alice").reserveSeats(id, namedSeats("Bowl", last))).Reservation.Seats[0].Label)
}

func TestRowsAreLaidOutForRealHalls(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	organizer := s.admin()
	id := requireAccepted(t, organizer.createEvent(nil)).Event.ID
	row := func(name string, seats int, layout vars) vars {
		return vars{"row": name, "seats": seats, "layout": layout}
	}
	mutations := map[string]func(rows ...vars) payload{
		"addInventory":  func(rows ...vars) payload { return organizer.addInventory(id, "Square", "20.00", vars{"rows": rows}) },
		"updateSection": func(rows ...vars) payload { return organizer.updateSection(id, "Round", vars{"rows": rows}) },
	}
	rows := []vars{row("A", 3, vars{"x": -4.25, "y": 0}), row("B", 2, vars{"x": 1000, "y": 1.01, "rotation": -180})}
	requireAccepted(t, organizer.addInventory(id, "Round", "20.00", vars{"rows": rows}))
	updated := requireAccepted(t, mutations["updateSection"](vars{"row": "A", "seats": 4}, row("C", 1, vars{"x": 7, "y": 2, "rotation": 22.5})))
	for _, mutate := range mutations {
		requireRejected(t, mutate(row("X", 1, vars{"x": 1000.5, "y": 0})), "INVALID", "rows", "0", "layout", "x")
		requireRejected(t, mutate(row("X", 1, vars{"x": 0, "y": 0.125})), "INVALID", "rows", "0", "layout", "y")
		requireRejected(t, mutate(row("X", 1, vars{"x": 0, "y": 0}), row("Y", 1, vars{"x": 0, "y": 0, "rotation": 181})), "INVALID", "rows", "1", "layout", "rotation")
		requireRejected(t, mutate(vars{"row": "X", "seats": 1}, row("Y", 1, vars{"x": 0, "y": 0})), "INVALID", "rows", "0", "layout")
	}

	var data struct {
		Event struct {
			Section struct{ SeatMap struct{ Rows []vars } }
		}
	}
	organizer.executeWhenRead(`query($id: ID!, $v: Int!) { event(id: $id, minVersion: $v) { section(name: "Round") { seatMap { rows {
		row states layout { x y rotation } } } } } }`, vars{"id": id, "v": updated.Event.Version}, &data)
	require.Equal(t, []vars{
		{"row": "A", "states": "....", "layout": map[string]any{"x": -4.25, "y": 0.0, "rotation": 0.0}},
		{"row": "B", "states": "..", "layout": map[string]any{"x": 1000.0, "y": 1.01, "rotation": -180.0}},
		{"row": "C", "states": ".", "layout": map[string]any{"x": 7.0, "y": 2.0, "rotation": 22.5}},
	}, data.Event.Section.SeatMap.Rows)
}

func TestASectionIsChangedWhileItIsOnSale(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	organizer, alice := s.admin(), s.customer("alice")
	id := onSale(t, organizer, 10, nil)
	requireAccepted(t, alice.reserveSeats(id, namedSeats("Stalls", "A-1"), bestSeats("Floor", 3)))
	changed := requireAccepted(t, organizer.updateSection(id, "Stalls", vars{
		"price": vars{"amount": "50.00", "currencyCode": "EUR"}, "block": []string{"A-2"}, "accessible": []string{"A-3"}, "restrictedView": []string{"A-3"},
		"rows": []vars{{"row": "A", "seats": 3}, {"row": "B", "seats": 0}, {"row": "C", "seats": 2, "firstNumber": 13, "step": 2}, {"row": "D", "seats": 2, "labels": []string{"1", "1A"}}},
	})).Event
	requireAccepted(t, organizer.updateSection(id, "Floor", vars{"capacity": 4}))
	requireRejected(t, organizer.updateSection(id, "Floor", vars{"capacity": 2}), "INVALID", "capacity")
	requireRejected(t, organizer.updateSection(id, "Stalls", vars{"block": []string{"A-1"}}), "SEAT_UNAVAILABLE", "block", "0")
	requireRejected(t, organizer.updateSection(id, "Stalls", vars{"rows": []vars{{"row": "C", "seats": 1, "firstNumber": 0}}}), "INVALID", "rows", "0", "firstNumber")
	requireRejected(t, organizer.updateSection(id, "Moon", nil), "NOT_FOUND", "section")
	awaitSections(t, alice, id, map[string][3]int{"Stalls": {5, 1, 0}, "Floor": {1, 3, 0}})

	type seatValue struct {
		Label, Status              string
		Accessible, RestrictedView bool
	}
	var data struct {
		Event struct {
			Sections []struct {
				Price             moneyValue
				Capacity, Blocked int
				Seats             struct{ Nodes []seatValue }
			}
		}
	}
	alice.executeWhenRead(`query($id: ID!, $v: Int!) { event(id: $id, minVersion: $v) { sections {
		price { amount currencyCode } capacity blocked seats(first: 100) { nodes { label status accessible restrictedView } } } } }`, vars{"id": id, "v": changed.Version}, &data)
	stalls := data.Event.Sections[1]
	require.Equal(t, []int{7, 1}, []int{stalls.Capacity, stalls.Blocked})
	require.Equal(t, "50.00", stalls.Price.Amount)
	require.Equal(t, []seatValue{
		{"A-1", "RESERVED", false, false}, {"A-2", "BLOCKED", false, false}, {"A-3", "AVAILABLE", true, true},
		{"C-13", "AVAILABLE", false, false}, {"C-15", "AVAILABLE", false, false}, {"D-1", "AVAILABLE", false, false}, {"D-1A", "AVAILABLE", false, false},
	}, stalls.Seats.Nodes)
	requireRejected(t, alice.reserveSeats(id, namedSeats("Stalls", "A-2")), "SEAT_UNAVAILABLE", "items", "0", "seats", "0")
	r := requireAccepted(t, alice.reserveSeats(id, namedSeats("Stalls", "D-1A"))).Reservation
	require.Equal(t, "50.00", r.Total.Amount)
}
