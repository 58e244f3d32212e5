// Package inventory is the aggregate that keeps what one event has to sell: all its sections, which seats are held or sold, and by
// whom. One stream an event, so that a reservation over several sections is one decision and no seat has two holders.
// It is pure: no context, I/O, clock or randomness.
package inventory

import "ticketing/internal/money"

// Category is the first part of the stream's id.
const Category = "inventory"

// Stream answers the id of the stream that holds the inventory of an event.
func Stream(eventID string) string { return Category + "-" + eventID }

// DomainEvent is one of the facts below.
type DomainEvent interface{ isInventory() }

// Row is a row of numbered seats, 1 to Seats; a seat's label is "<row>-<number>".
type Row struct {
	Name  string `json:"name"`
	Seats int    `json:"seats"`
}

// Item is what a reservation holds in one section. Labels name the seats of a seated section and are absent for general
// admission; Quantity is always their count.
type Item struct {
	Section  string   `json:"section"`
	Quantity int      `json:"quantity"`
	Labels   []string `json:"labels,omitempty"`
}

type (
	// InventoryAdded puts a section on sale: seated when it has Rows, general admission otherwise. Capacity is always set.
	InventoryAdded struct {
		Section  string      `json:"section"`
		Price    money.Money `json:"price"`
		Capacity int         `json:"capacity"`
		Rows     []Row       `json:"rows,omitempty"`
	}

	// SeatsReserved moves seats from available to reserved.
	SeatsReserved struct {
		ReservationID string `json:"reservationId"`
		CustomerID    string `json:"customerId"`
		Items         []Item `json:"items"`
	}

	// SeatsConfirmed moves all seats of a reservation from reserved to sold.
	SeatsConfirmed struct {
		ReservationID string `json:"reservationId"`
		CustomerID    string `json:"customerId"`
		Items         []Item `json:"items"`
	}

	// SeatsReleased makes all seats of a reservation available again; Sold says whether they were sold (a refund) or reserved.
	SeatsReleased struct {
		ReservationID string `json:"reservationId"`
		CustomerID    string `json:"customerId"`
		Items         []Item `json:"items"`
		Sold          bool   `json:"sold,omitempty"`
	}
)

func (InventoryAdded) isInventory() {}
func (SeatsReserved) isInventory()  {}
func (SeatsConfirmed) isInventory() {}
func (SeatsReleased) isInventory()  {}
