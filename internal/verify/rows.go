package verify

import (
	"encoding/json"
	"time"

	"ticketing/command/payment"     //nolint:depguard // as in verify.go
	"ticketing/command/reservation" //nolint:depguard // as in verify.go
	"ticketing/internal/money"
	"ticketing/internal/words"
)

// The rows below are what the log says, with all columns of their tables under their names, in the JSON that PostgreSQL makes of them.

// stamp is a time as to_jsonb writes it, in UTC and as exact as a column is.
type stamp time.Time

func (s stamp) MarshalJSON() ([]byte, error) {
	return []byte(time.UnixMicro(time.Time(s).UnixMicro()).UTC().Format(`"2006-01-02T15:04:05.999999+00:00"`)), nil
}

func maybeStamp(t *time.Time) *stamp {
	if t == nil {
		return nil
	}
	s := stamp(*t)
	return &s
}

func maybeText(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

type eventRow struct {
	ID                       string   `json:"id"`
	Version                  int64    `json:"version"`
	OrganizerID              string   `json:"organizer_id"`
	Name                     string   `json:"name"`
	Description              string   `json:"description"`
	Venue                    string   `json:"venue"`
	StartsAt                 stamp    `json:"starts_at"`
	SalesOpenAt              *stamp   `json:"sales_open_at"`
	SalesCloseAt             *stamp   `json:"sales_close_at"`
	MaxTicketsPerReservation int      `json:"max_tickets_per_reservation"`
	MaxTicketsPerCustomer    *int     `json:"max_tickets_per_customer"`
	PaymentAttempts          int      `json:"payment_attempts"`
	Status                   string   `json:"status"`
	CreatedAt                stamp    `json:"created_at"`
	Search                   []string `json:"search"` // its words, sorted
}

func (o *occasion) row(id string) any {
	s := o.state
	search := words.Of(s.Name, s.Venue, s.Description)
	if search == nil {
		search = []string{}
	}
	return eventRow{
		ID: id, Version: o.version, OrganizerID: s.OrganizerID, Name: s.Name, Description: s.Description, Venue: s.Venue,
		StartsAt: stamp(s.StartsAt), SalesOpenAt: maybeStamp(s.SalesOpenAt), SalesCloseAt: maybeStamp(s.SalesCloseAt),
		MaxTicketsPerReservation: s.MaxTicketsPerReservation, MaxTicketsPerCustomer: s.MaxTicketsPerCustomer,
		PaymentAttempts: s.PaymentAttempts, Status: string(s.Status), CreatedAt: stamp(s.CreatedAt), Search: search,
	}
}

type reservationRow struct {
	ID            string              `json:"id"`
	Version       int64               `json:"version"`
	EventID       string              `json:"event_id"`
	CustomerID    string              `json:"customer_id"`
	Status        string              `json:"status"`
	Seats         []reservation.Seat  `json:"seats"`
	Total         int64               `json:"total"`
	Currency      string              `json:"currency"`
	CreatedAt     stamp               `json:"created_at"`
	ExpiresAt     stamp               `json:"expires_at"`
	CompletedAt   *stamp              `json:"completed_at"`
	ExpiredAt     *stamp              `json:"expired_at"`
	CancelledAt   *stamp              `json:"cancelled_at"`
	CompensatedAt *stamp              `json:"compensated_at"`
	RefundedAt    *stamp              `json:"refunded_at"`
	Metadata      reservationMetadata `json:"metadata"`
}

type reservationMetadata struct {
	CorrelationID string `json:"correlationId,omitempty"`
	PaymentID     string `json:"paymentId,omitempty"`
	AttemptsLeft  int    `json:"attemptsLeft"`
	Reason        string `json:"reason,omitempty"`
}

func (h *hold) row(id string) any {
	s := h.state
	return reservationRow{
		ID: id, Version: h.version, EventID: s.EventID, CustomerID: s.CustomerID, Status: string(s.Status), Seats: s.Seats,
		Total: s.Total.Minor, Currency: s.Total.Currency, CreatedAt: stamp(s.CreatedAt), ExpiresAt: stamp(s.ExpiresAt),
		CompletedAt: maybeStamp(s.CompletedAt), ExpiredAt: maybeStamp(s.ExpiredAt), CancelledAt: maybeStamp(s.CancelledAt),
		CompensatedAt: maybeStamp(s.CompensatedAt), RefundedAt: maybeStamp(s.RefundedAt),
		Metadata: reservationMetadata{CorrelationID: h.correlationID, PaymentID: h.asked, AttemptsLeft: s.AttemptsLeft, Reason: h.reason},
	}
}

type paymentRow struct {
	ID            string          `json:"id"`
	Version       int64           `json:"version"`
	ReservationID string          `json:"reservation_id"`
	CustomerID    string          `json:"customer_id"`
	EventID       string          `json:"event_id"`
	Amount        int64           `json:"amount"`
	Refunded      int64           `json:"refunded"`
	Currency      string          `json:"currency"`
	Refunds       []refundRow     `json:"refunds"`
	Status        string          `json:"status"`
	Gateway       string          `json:"gateway"`
	TransactionID *string         `json:"transaction_id"`
	FailureCode   *string         `json:"failure_code"`
	FailureReason *string         `json:"failure_reason"`
	CreatedAt     stamp           `json:"created_at"`
	CompletedAt   *stamp          `json:"completed_at"`
	FailedAt      *stamp          `json:"failed_at"`
	Metadata      paymentMetadata `json:"metadata"`
}

type refundRow struct {
	ID        string      `json:"id"`
	Amount    money.Money `json:"amount"`
	Status    string      `json:"status"`
	Reason    string      `json:"reason,omitempty"`
	CreatedAt time.Time   `json:"createdAt"`
}

type paymentMetadata struct {
	CorrelationID string `json:"correlationId,omitempty"`
	Method        string `json:"method,omitempty"`
	// Disputes maps the gateway's ids of disputes to their statuses.
	Disputes map[string]payment.DisputeStatus `json:"disputes,omitempty"`
}

func (c *charge) row(id string) any {
	s := c.state
	return paymentRow{
		ID: id, Version: c.version, ReservationID: s.ReservationID, CustomerID: s.CustomerID, EventID: s.EventID,
		Amount: s.Amount.Minor, Refunded: s.RefundedMinor(), Currency: s.Amount.Currency, Refunds: refundRows(s.Refunds),
		Status: string(s.Status), Gateway: s.Gateway, TransactionID: maybeText(s.TransactionID),
		FailureCode: maybeText(string(s.FailureCode)), FailureReason: maybeText(s.FailureReason),
		CreatedAt: stamp(s.CreatedAt), CompletedAt: maybeStamp(s.CompletedAt), FailedAt: maybeStamp(s.FailedAt),
		Metadata: paymentMetadata{CorrelationID: c.correlationID, Method: s.Method, Disputes: disputeStatuses(s.Disputes)},
	}
}

func disputeStatuses(disputes []payment.Dispute) map[string]payment.DisputeStatus {
	statuses := make(map[string]payment.DisputeStatus, len(disputes))
	for _, d := range disputes {
		statuses[d.ID] = d.Status
	}
	return statuses
}

func refundRows(refunds []payment.Refund) []refundRow {
	rows := make([]refundRow, len(refunds))
	for i, r := range refunds {
		rows[i] = refundRow{ID: r.ID, Amount: r.Amount, Status: string(r.Status), Reason: r.Reason, CreatedAt: r.RequestedAt}
	}
	return rows
}

type sectionRow struct {
	EventID   string `json:"event_id"`
	Name      string `json:"name"`
	Ordinal   int    `json:"ordinal"`
	Price     int64  `json:"price"`
	Currency  string `json:"currency"`
	Seated    bool   `json:"seated"`
	Capacity  int    `json:"capacity"`
	Available int    `json:"available"`
	Reserved  int    `json:"reserved"`
	Sold      int    `json:"sold"`
}

func (s *stock) sectionRow(eventID string, ordinal int) sectionRow {
	section := s.state.Sections[ordinal]
	return sectionRow{
		EventID: eventID, Name: section.Name, Ordinal: ordinal, Price: section.Price.Minor, Currency: section.Price.Currency,
		Seated: section.Seated(), Capacity: section.Capacity, Available: section.Available(), Reserved: section.Reserved, Sold: section.Sold,
	}
}

// columns takes a row of JSON apart.
func columns(row any) (map[string]json.RawMessage, error) {
	data, ok := row.([]byte)
	if !ok {
		var err error
		if data, err = json.Marshal(row); err != nil {
			return nil, err //nolint:wrapcheck // the caller knows which row
		}
	}
	var all map[string]json.RawMessage
	err := json.Unmarshal(data, &all)
	return all, err //nolint:wrapcheck // the caller knows which row
}
