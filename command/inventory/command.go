package inventory

import "ticketing/internal/money"

// Command is one of the commands below.
type Command interface{ isCommand() }

type (
	// Add adds a section, with either a Capacity (general admission) or Rows of numbered seats.
	Add struct {
		Section  string
		Price    money.Money
		Capacity *int
		Rows     []Row
	}

	// Update changes a section; nil and empty fields leave it as it is. Capacity is for general admission, all below Price for numbered
	// seats. What is reserved or sold stays as it is, with its price.
	Update struct {
		Section  string
		Capacity *int
		Price    *money.Money
		Rows     []Row    // new ones, and those of before as they are to be; a row without seats is removed
		Block    []string // labels of seats that are not for sale
		Unblock  []string

		Accessible     []string // labels of seats to mark
		RestrictedView []string
		Unmark         []string // labels of seats to take both marks from, before others are set
	}

	// Reserve reserves seats of any number of sections for a reservation, all or nothing.
	Reserve struct {
		ReservationID     string
		CustomerID        string
		Linked            []string // guests who are the same customer: what they paid for counts, too
		Items             []ReserveItem
		MaxPerReservation int
		MaxPerCustomer    *int
		MaxUnpaid         int // reservations of the customer that are not paid, this one included; 0: no limit
	}

	// Confirm sells the reserved seats. If the reservation has expired and its seats are still free, Retake reserves them again first,
	// beyond the limit per customer if need be: they are paid.
	Confirm struct {
		ReservationID string
		Retake        *Retake
	}

	// Release makes seats of a reservation available again, reserved or sold: Items, or all of them if Items is empty.
	Release struct {
		ReservationID string
		Items         []Item
	}
)

// ReserveItem asks for tickets of a section: either for the Quantity best ones available, or for the seats that Labels name.
type ReserveItem struct {
	Section  string
	Quantity *int
	Labels   []string
}

// Retake is what an expired reservation had.
type Retake struct {
	CustomerID string
	Items      []Item
}

func (Add) isCommand()     {}
func (Update) isCommand()  {}
func (Reserve) isCommand() {}
func (Confirm) isCommand() {}
func (Release) isCommand() {}
