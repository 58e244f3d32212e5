package readtest

import (
	"time"

	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/money"
)

// Noon is when most things happen.
var Noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// NextDay is noon of the day after.
var NextDay = Noon.Add(24 * time.Hour)

// EUR returns an amount in cents.
func EUR(minor int64) money.Money { return money.Money{Minor: minor, Currency: "EUR"} }

// Created begins an event.
func Created(name string) event.EventCreated {
	return event.EventCreated{
		OrganizerID: "usr_org", Name: name, Venue: "Arena", StartsAt: Noon.Add(1000 * time.Hour), MaxTicketsPerReservation: 8,
		PaymentAttempts: 1, CreatedAt: Noon,
	}
}

// Initiated begins a reservation of one seat of evt_1.
func Initiated(customer string) reservation.ReservationInitiated {
	return reservation.ReservationInitiated{
		EventID: "evt_1", CustomerID: customer, Seats: []reservation.Seat{{Section: "floor", Label: "A-1", Price: EUR(5000)}},
		Total: EUR(5000), PaymentAttempts: 2, CreatedAt: Noon, ExpiresAt: Noon.Add(5 * time.Minute),
	}
}

// InitiatedMixed begins a reservation of three tickets in two sections.
func InitiatedMixed() reservation.ReservationInitiated {
	e := Initiated("usr_1")
	e.Seats = []reservation.Seat{
		{Section: "floor", Price: EUR(3333)}, {Section: "stalls", Label: "A-1", Price: EUR(5000)}, {Section: "floor", Price: EUR(3333)},
	}
	e.Total = EUR(11666)
	return e
}

// PaymentInitiated begins a payment of rsv_1.
func PaymentInitiated() payment.PaymentInitiated {
	return payment.PaymentInitiated{
		ReservationID: "rsv_1", CustomerID: "usr_1", EventID: "evt_1", Amount: EUR(5000), Gateway: "sandbox", Method: "card",
		CreatedAt: Noon,
	}
}

// Refunded completes a refund.
func Refunded(minor int64, when time.Time) payment.PaymentRefunded {
	return payment.PaymentRefunded{RefundID: "rfd", Amount: EUR(minor), RefundedAt: when}
}

// Seats are numbered seats of an inventory.
func Seats(labels ...string) []inventory.Item {
	return []inventory.Item{{Section: "seated", Quantity: len(labels), Labels: labels}}
}

// Standing are standing places of an inventory.
func Standing(quantity int) []inventory.Item {
	return []inventory.Item{{Section: "standing", Quantity: quantity}}
}

// InventoryAdded begins an inventory of 100 standing places and of six seats in two rows.
func InventoryAdded() []any {
	return []any{
		inventory.InventoryAdded{Section: "standing", Price: EUR(2000), Capacity: 100},
		inventory.InventoryAdded{Section: "seated", Price: EUR(5000), Capacity: 6, Rows: []inventory.Row{{Name: "A", Seats: 4}, {Name: "B", Seats: 2}}},
	}
}
