package verify

import (
	"encoding/binary"
	"encoding/json"
	"hash/fnv"
	"strings"
	"time"

	"ticketing/command/eventstore"  //nolint:depguard // as in verify.go
	"ticketing/command/payment"     //nolint:depguard // as in verify.go
	"ticketing/command/reservation" //nolint:depguard // as in verify.go
)

// trace is what a stream leaves with its customer: when they were seen, and the history that it adds. That is kept as a sum over its
// entries, for the history of all streams would be as large as the log.
type trace struct {
	first, last time.Time
	history     history
}

// history is a sum over entries in their order.
type history struct {
	entries int
	sum     uint64
}

// entry is a row of customer_history.
type entry struct {
	CustomerID    string  `json:"customer_id"`
	Position      int64   `json:"position"`
	At            stamp   `json:"at"`
	Kind          string  `json:"kind"`
	EventID       string  `json:"event_id"`
	ReservationID string  `json:"reservation_id"`
	PaymentID     *string `json:"payment_id"`
	Tickets       int     `json:"tickets"`
	Amount        int64   `json:"amount"`
	Currency      string  `json:"currency"`
}

func (h *history) add(e entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err //nolint:wrapcheck // the caller knows which entry
	}
	sum := fnv.New64a()
	_, _ = sum.Write(binary.BigEndian.AppendUint64(line, h.sum))
	h.entries, h.sum = h.entries+1, sum.Sum64()
	return nil
}

// note takes what the domain event says of its customer; nil: it adds nothing to the history.
func (t *trace) note(r *eventstore.Recorded, customerID string, e *entry) {
	if r.Version == 1 {
		t.first, t.last = r.RecordedAt, r.RecordedAt
	}
	if r.Metadata.Actor == customerID && r.RecordedAt.After(t.last) {
		t.last = r.RecordedAt
	}
	if e == nil {
		return
	}
	e.CustomerID, e.Position, e.At = customerID, r.Position, stamp(r.RecordedAt)
	if err := t.history.add(*e); err != nil {
		panic(err) // it is plain text and numbers
	}
}

func subject(streamID string) string {
	_, id, _ := strings.Cut(streamID, "-")
	return id
}

// deed answers what the domain event adds to the history.
func (h *hold) deed(r *eventstore.Recorded, domainEvent reservation.DomainEvent) *entry {
	e := &entry{
		EventID: h.state.EventID, ReservationID: subject(r.StreamID), Tickets: len(h.state.Seats), Amount: h.state.Total.Minor,
		Currency: h.state.Total.Currency,
	}
	switch domainEvent.(type) {
	case reservation.ReservationInitiated:
		e.Kind = "RESERVATION_INITIATED"
	case reservation.ReservationCompleted:
		e.Kind = "RESERVATION_COMPLETED"
	case reservation.ReservationCancelled:
		e.Kind = "RESERVATION_CANCELLED"
	case reservation.ReservationExpired:
		e.Kind = "RESERVATION_EXPIRED"
	case reservation.ReservationCompensated:
		e.Kind = "RESERVATION_COMPENSATED"
	case reservation.ReservationRefunded:
		e.Kind = "RESERVATION_REFUNDED"
	default:
		return nil
	}
	return e
}

func (c *charge) deed(r *eventstore.Recorded, domainEvent payment.DomainEvent) *entry {
	id := subject(r.StreamID)
	e := &entry{
		EventID: c.state.EventID, ReservationID: c.state.ReservationID, PaymentID: &id, Amount: c.state.Amount.Minor,
		Currency: c.state.Amount.Currency,
	}
	switch domainEvent := domainEvent.(type) {
	case payment.PaymentCompleted:
		e.Kind = "PAYMENT_COMPLETED"
	case payment.PaymentFailed:
		e.Kind = "PAYMENT_FAILED"
	case payment.PaymentRefunded:
		e.Kind, e.Amount = "PAYMENT_REFUNDED", domainEvent.Amount.Minor
	default:
		return nil
	}
	return e
}
