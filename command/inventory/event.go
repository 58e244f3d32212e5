// Package inventory is the aggregate of what one event has to sell: its sections, and which reservation has which seats. An event has
// one stream for all of it, so that a reservation across sections is one decision and no seat is reserved twice.
// It is pure: no context, I/O, clock or randomness.
package inventory

import "ticketing/internal/money"

// Category is the first part of the stream's id.
const Category = "inventory"

// Stream returns the id of the stream of an event's inventory.
func Stream(eventID string) string { return Category + "-" + eventID }

// DomainEvent is one of the types below.
type DomainEvent interface{ isInventory() }

// Row is a row of seats. A seat's label is "<row>-<number>".
type Row struct {
	Name  string `json:"name"`
	Seats int    `json:"seats"`
	Numbering
	Layout *Layout `json:"layout,omitempty"` // nil: it is drawn below the row before it, as in a table
}

// Item is what a reservation has in one section. Quantity is the number of tickets. Labels name their seats; general admission has
// none.
type Item struct {
	Section  string   `json:"section"`
	Quantity int      `json:"quantity"`
	Labels   []string `json:"labels,omitempty"`
}

type (
	// InventoryAdded adds a section: seated if it has Rows, otherwise general admission. Capacity is always set.
	InventoryAdded struct {
		Section  string      `json:"section"`
		Price    money.Money `json:"price"`
		Capacity int         `json:"capacity"`
		Rows     []Row       `json:"rows,omitempty"`
	}

	// SectionUpdated changes a section. Price and Capacity are those from now on; the other fields are what changes, first of all the rows.
	SectionUpdated struct {
		Section     string      `json:"section"`
		Price       money.Money `json:"price"`
		Capacity    int         `json:"capacity"`
		RowsChanged []Row       `json:"rowsChanged,omitempty"` // as they are from now on; without seats: removed. Seats with the same labels stay what they are
		RowsAdded   []Row       `json:"rowsAdded,omitempty"`   // behind the others
		Blocked     []string    `json:"blocked,omitempty"`     // seats that are not for sale any more
		Unblocked   []string    `json:"unblocked,omitempty"`   // seats that are available again
		Marked      []SeatMarks `json:"marked,omitempty"`
	}

	// SeatMarks are the marks of a seat from now on.
	SeatMarks struct {
		Label          string `json:"label"`
		Accessible     bool   `json:"accessible,omitempty"`
		RestrictedView bool   `json:"restrictedView,omitempty"`
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

	// SeatsReleased makes seats of a reservation available again; the reservation keeps those that Items does not name. Sold reports whether they were sold (a refund) or reserved.
	SeatsReleased struct {
		ReservationID string `json:"reservationId"`
		CustomerID    string `json:"customerId"`
		Items         []Item `json:"items"`
		Sold          bool   `json:"sold,omitempty"`
	}
)

func (InventoryAdded) isInventory() {}
func (SectionUpdated) isInventory() {}
func (SeatsReserved) isInventory()  {}
func (SeatsConfirmed) isInventory() {}
func (SeatsReleased) isInventory()  {}
