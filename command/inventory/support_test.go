package inventory

import (
	"fmt"
	"strings"

	"ticketing/command/scenario"
	"ticketing/internal/money"
)

const (
	alice = "usr_alice"
	bob   = "usr_bob"
)

type (
	past    = scenario.Past[State, Command, DomainEvent]
	outcome = scenario.Outcome[State, Command, DomainEvent]
)

func Given(t scenario.T, history ...DomainEvent) past {
	return scenario.Given(t, Decide, Evolve, history...)
}

func eur(minor int64) money.Money { return money.Money{Minor: minor, Currency: "EUR"} }

// The stalls have row A with seats 1 to 4 and row B with seats 1 to 3. The pit has room for 5 without seats.
var (
	stalls = InventoryAdded{Section: "Stalls", Price: eur(50_00), Capacity: 7, Rows: []Row{{Name: "A", Seats: 4}, {Name: "B", Seats: 3}}}
	pit    = InventoryAdded{Section: "Pit", Price: eur(20_00), Capacity: 5}
)

// held returns the reservation of items.
func held(reservationID, customerID string, items ...Item) SeatsReserved {
	return SeatsReserved{ReservationID: reservationID, CustomerID: customerID, Items: items}
}

// sold returns the sale of what was held.
func sold(h SeatsReserved) SeatsConfirmed { return SeatsConfirmed(h) }

// freed returns the release of what was held and not paid.
func freed(h SeatsReserved) SeatsReleased {
	return SeatsReleased{ReservationID: h.ReservationID, CustomerID: h.CustomerID, Items: h.Items}
}

func seats(labels ...string) Item {
	return Item{Section: "Stalls", Quantity: len(labels), Labels: labels}
}

func standing(n int) Item { return Item{Section: "Pit", Quantity: n} }

// reserve returns a command with limits that don't matter.
func reserve(customerID string, items ...ReserveItem) Reserve {
	return Reserve{ReservationID: "rsv_new", CustomerID: customerID, Items: items, MaxPerReservation: 100}
}

func named(labels ...string) ReserveItem { return ReserveItem{Section: "Stalls", Labels: labels} }

func best(section string, n int) ReserveItem { return ReserveItem{Section: section, Quantity: new(n)} }

// hall returns a history that makes the hall of the picture, a row each: "." is a free seat and "x" a taken one.
func hall(rows ...string) []DomainEvent {
	added, taken := InventoryAdded{Section: "Stalls", Price: eur(1)}, Item{Section: "Stalls"}
	for i, row := range rows {
		name := string(rune('A' + i))
		added.Rows = append(added.Rows, Row{Name: name, Seats: len(row)})
		added.Capacity += len(row)
		for seat, what := range row {
			if what == 'x' {
				taken.Labels = append(taken.Labels, fmt.Sprintf("%s-%d", name, seat+1))
			}
		}
	}
	taken.Quantity = len(taken.Labels)
	if taken.Quantity == 0 {
		return []DomainEvent{added}
	}
	return []DomainEvent{added, held("rsv_others", "usr_others", taken)}
}

// picked returns the labels of the seats reserved in the stalls, separated by spaces.
func picked(o outcome) string {
	return strings.Join(o.State().Holdings["rsv_new"].Items[0].Labels, " ")
}
