// Package query reads the read tables. It knows nothing of the write side. Its results may be a moment behind the log; they carry their
// stream's version, so that a caller can tell.
package query

import (
	"encoding/json"
	"time"

	"ticketing/internal/id"
	"ticketing/internal/money"
)

// Event is what tickets are sold for.
type Event struct {
	ID                       string
	Version                  int64
	OrganizerID              string
	Name                     string
	Description              string
	Venue                    string
	StartsAt                 time.Time
	TimeZone                 string // IANA
	SalesOpenAt              *time.Time
	SalesCloseAt             *time.Time
	MaxTicketsPerReservation int
	MaxTicketsPerCustomer    *int
	PaymentAttempts          int
	Status                   string // a value of the API's EventStatus
	Withdrawn                bool   // cancelled before it was published
	Deleted                  bool   // it was a draft; for all viewers there is no such event
	CancellationReason       *string
	CreatedAt                time.Time
	// Inventory is nil until it is loaded: it comes from another projection.
	Inventory *Inventory
}

// Inventory is what an event has to sell. Version is the version of the inventory's stream, 0 before its first section.
type Inventory struct {
	EventID  string
	Version  int64
	Sections []Section // in the order in which they were added
}

// Section is a part of the inventory with one price. available + reserved + sold + blocked = capacity.
type Section struct {
	EventID   string
	Name      string
	Price     money.Money
	Capacity  int
	Available int
	Reserved  int
	Sold      int
	Blocked   int
	Seated    bool // numbered seats; else general admission
	Ordinal   int  // place in the event: in the order in which they were added
}

// ID returns the section's id.
func (s Section) ID() string { return id.OfSection(s.EventID, s.Ordinal) }

// Key returns the key by which the section's seats are read.
func (s Section) Key() string { return s.EventID + keySeparator + s.Name }

// Seat is a numbered seat. Status is a value of the API's SeatStatus.
type Seat struct {
	Section string // its name
	Label   string
	Status  string
	Ordinal int // place in the section: row by row, by number

	Accessible     bool
	RestrictedView bool
}

// Reservation is seats taken for one customer. Status is a value of the API's ReservationStatus.
type Reservation struct {
	ID            string
	Version       int64
	EventID       string
	CustomerID    string
	Status        string
	Seats         []ReservedSeat
	Total         money.Money
	CreatedAt     time.Time
	ExpiresAt     time.Time
	CompletedAt   *time.Time
	ExpiredAt     *time.Time
	CancelledAt   *time.Time
	CompensatedAt *time.Time
	RefundedAt    *time.Time
	Metadata      json.RawMessage

	PaymentsVersion int64 // the versions of its payments, added up; 0 unless it was read with them
}

// ReservedSeat is one seat. Label is empty for general admission. Its JSON form is the one in the table.
type ReservedSeat struct {
	Section string      `json:"section"`
	Label   string      `json:"label,omitempty"`
	Price   money.Money `json:"price"`
	Void    bool        `json:"void,omitempty"` // its ticket was refunded by itself
}

// OptionalLabel returns the label, nil for general admission.
func (s ReservedSeat) OptionalLabel() *string { return optionalText(s.Label) }

// Ticket is what a customer comes in with: a seat of a reservation that was paid. Status is a value of the API's TicketStatus.
type Ticket struct {
	ID            string
	EventID       string
	ReservationID string
	CustomerID    string

	Section string
	Label   string // empty for general admission
	Price   money.Money
	Status  string
}

// OptionalLabel returns the label, nil for general admission.
func (t Ticket) OptionalLabel() *string { return optionalText(t.Label) }

func optionalText(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// Tickets returns the reservation's tickets, in the order of its seats; none before it is completed.
func (r Reservation) Tickets() []Ticket {
	if r.CompletedAt == nil {
		return nil
	}
	tickets := make([]Ticket, len(r.Seats))
	for ordinal, seat := range r.Seats {
		tickets[ordinal] = Ticket{
			ID: id.Ticket(r.ID, ordinal), EventID: r.EventID, ReservationID: r.ID, CustomerID: r.CustomerID,
			Section: seat.Section, Label: seat.Label, Price: seat.Price, Status: "VALID",
		}
		if seat.Void || r.RefundedAt != nil {
			tickets[ordinal].Status = "VOID"
		}
	}
	return tickets
}

// Payment is one payment of a reservation. Status is a value of the API's PaymentStatus.
type Payment struct {
	ID            string
	Version       int64
	ReservationID string
	CustomerID    string
	EventID       string
	Amount        money.Money
	Refunded      money.Money
	Refunds       []Refund
	Status        string
	Gateway       string
	TransactionID *string
	FailureCode   *string
	FailureReason *string
	CreatedAt     time.Time
	CompletedAt   *time.Time
	FailedAt      *time.Time
	Disputes      []Dispute
	Metadata      json.RawMessage
}

// Dispute is a customer's complaint about a payment to their bank. Status is a value of the API's DisputeStatus.
type Dispute struct {
	ID        string      `json:"id"`
	Amount    money.Money `json:"amount"` // in dispute; when it is lost: what the customer got
	Status    string      `json:"status"`
	CreatedAt time.Time   `json:"createdAt"`
}

// Refund is one (partial) refund of a payment. Status is a value of the API's RefundStatus.
type Refund struct {
	ID        string      `json:"id"`
	Amount    money.Money `json:"amount"`
	Status    string      `json:"status"`
	Reason    string      `json:"reason,omitempty"`
	CreatedAt time.Time   `json:"createdAt"`

	FailureReason string `json:"failureReason,omitempty"` // with the status FAILED
}
