package inventory

import "ticketing/internal/money"

// Command is one of the commands below.
type Command interface{ isCommand() }

type (
	// Add puts a section on sale: Capacity for general admission, or Rows of numbered seats; exactly one of the two.
	Add struct {
		Section  string
		Price    money.Money
		Capacity *int
		Rows     []Row
	}

	// Reserve takes seats of any number of sections for a reservation, all or nothing.
	Reserve struct {
		ReservationID     string
		CustomerID        string
		Items             []ReserveItem
		MaxPerReservation int
		MaxPerCustomer    *int
	}

	// Confirm makes the reserved seats sold. When the hold had expired and its seats are still free, Retake takes them back, whatever the
	// limit per customer says: they are paid.
	Confirm struct {
		ReservationID string
		Retake        *Retake
	}

	// Release makes the seats of a reservation available again, reserved or sold.
	Release struct{ ReservationID string }
)

// ReserveItem asks for Quantity best-available tickets of a section, or for the seats that Labels name; exactly one of the two.
type ReserveItem struct {
	Section  string
	Quantity *int
	Labels   []string
}

// Retake is what an expired reservation held.
type Retake struct {
	CustomerID string
	Items      []Item
}

func (Add) isCommand()     {}
func (Reserve) isCommand() {}
func (Confirm) isCommand() {}
func (Release) isCommand() {}
