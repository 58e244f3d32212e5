package event

import "time"

// Command is one of the commands below.
type Command interface{ isCommand() }

type (
	// Create creates a draft.
	Create struct {
		OrganizerID              string
		Name                     string
		Description              string
		Venue                    string
		StartsAt                 time.Time
		TimeZone                 string // Default: DefaultTimeZone.
		SalesOpenAt              *time.Time
		SalesCloseAt             *time.Time
		MaxTicketsPerReservation int
		MaxTicketsPerCustomer    *int
		PaymentAttempts          int
	}

	// Update changes the description, the date, the sales window and the limits; nil leaves a field as it is. Clear… takes a value away.
	Update struct {
		Name         *string
		Description  *string
		Venue        *string
		StartsAt     *time.Time
		TimeZone     *string
		SalesOpenAt  *time.Time
		SalesCloseAt *time.Time

		MaxTicketsPerReservation *int
		MaxTicketsPerCustomer    *int
		PaymentAttempts          *int // of reservations that are made from now on

		Reason string // why, for customers

		ClearSalesOpenAt           bool
		ClearSalesCloseAt          bool
		ClearMaxTicketsPerCustomer bool

		Held Held // what new limits must leave room for
	}

	// Held is how many tickets customers have already, reserved or sold.
	Held struct{ MostOfReservation, MostOfCustomer int }

	// Publish makes a draft visible.
	Publish struct{}

	// OpenSales lets customers reserve. Scheduled is set by the saga that keeps the sales window: it never overrules an organizer who
	// closed sales, until they set another opening.
	OpenSales struct{ Scheduled bool }

	// CloseSales ends reserving. Scheduled is set by the saga that keeps the sales window.
	CloseSales struct{ Scheduled bool }

	// DeleteDraft removes an event that was never published.
	DeleteDraft struct{}

	// Cancel ends the event for good.
	Cancel struct{ Reason string }

	// Complete says that the event took place.
	Complete struct{}
)

func (Create) isCommand()      {}
func (Update) isCommand()      {}
func (Publish) isCommand()     {}
func (OpenSales) isCommand()   {}
func (CloseSales) isCommand()  {}
func (DeleteDraft) isCommand() {}
func (Cancel) isCommand()      {}
func (Complete) isCommand()    {}
