package projector

import (
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/projector/db"
)

// journal is what a batch of the customers projection works on: the rows of its streams, by how much it moves those of their
// customers, and what it adds to their history.
type journal struct {
	streams   map[string]*customerStream
	customers map[string]*customerMoves
	spend     map[spendKey]*spendMoves
	history   []db.CustomerHistory
}

func newJournal() *journal {
	return &journal{
		streams: map[string]*customerStream{}, customers: map[string]*customerMoves{}, spend: map[spendKey]*spendMoves{},
	}
}

type customerStream struct {
	db.CustomerStream
	expected int64 // version of the row; 0: there is none
}

// customerMoves are by how much the batch moves a row. The times of who was not seen are never the first or the last ones.
type customerMoves struct {
	reservations, completed, returned, tickets int64
	firstSeen, lastSeen                        pgtype.Timestamptz
}

type spendKey struct{ customer, currency string }

type spendMoves struct{ spent, refunded int64 }

func (j *journal) evolve(r *Record) error {
	s := j.streams[r.StreamID]
	if r.Version == 1 {
		s = opened(r)
		j.streams[r.StreamID] = s
	}
	if s == nil {
		return errOrder(r)
	}
	s.Version = r.Version
	if r.Version == 1 || r.Metadata.Actor == s.CustomerID {
		j.customer(s.CustomerID).see(r.RecordedAt)
	}
	if _, ok := r.Event.(reservation.DomainEvent); ok {
		return j.evolveReservation(s, r)
	}
	return j.evolvePayment(s, r)
}

// opened answers the row of a stream that begins with r; nil: none begins with that.
func opened(r *Record) *customerStream {
	switch e := r.Event.(type) {
	case reservation.ReservationInitiated:
		return &customerStream{CustomerStream: db.CustomerStream{
			ID: r.StreamID, CustomerID: e.CustomerID, EventID: e.EventID, ReservationID: r.subject(), Tickets: int64(len(e.Seats)),
			Amount: e.Total.Minor, Currency: e.Total.Currency,
		}}
	case payment.PaymentInitiated:
		return &customerStream{CustomerStream: db.CustomerStream{
			ID: r.StreamID, CustomerID: e.CustomerID, EventID: e.EventID, ReservationID: e.ReservationID,
			Amount: e.Amount.Minor, Currency: e.Amount.Currency,
		}}
	}
	return nil
}

func (j *journal) evolveReservation(s *customerStream, r *Record) error {
	switch r.Event.(type) {
	case reservation.ReservationInitiated:
		if r.Version > 1 {
			return errOrder(r)
		}
		j.customer(s.CustomerID).reservations++
		j.note(s, r, "RESERVATION_INITIATED", s.Amount)
	case reservation.ReservationCompleted:
		c := j.customer(s.CustomerID)
		c.completed++
		c.tickets += s.Tickets
		j.note(s, r, "RESERVATION_COMPLETED", s.Amount)
	case reservation.ReservationRefunded:
		c := j.customer(s.CustomerID)
		c.returned++
		c.tickets -= s.Tickets
		j.note(s, r, "RESERVATION_REFUNDED", s.Amount)
	case reservation.ReservationCancelled:
		j.note(s, r, "RESERVATION_CANCELLED", s.Amount)
	case reservation.ReservationExpired:
		j.note(s, r, "RESERVATION_EXPIRED", s.Amount)
	case reservation.ReservationCompensated:
		j.note(s, r, "RESERVATION_COMPENSATED", s.Amount)
	}
	return nil // what becomes of a payment is in the stream of it
}

func (j *journal) evolvePayment(s *customerStream, r *Record) error {
	switch e := r.Event.(type) {
	case payment.PaymentInitiated:
		if r.Version > 1 {
			return errOrder(r)
		}
	case payment.PaymentCompleted:
		j.money(s).spent += s.Amount
		j.note(s, r, "PAYMENT_COMPLETED", s.Amount)
	case payment.PaymentFailed:
		j.note(s, r, "PAYMENT_FAILED", s.Amount)
	case payment.PaymentRefunded:
		j.money(s).refunded += e.Amount.Minor
		j.note(s, r, "PAYMENT_REFUNDED", e.Amount.Minor)
	case payment.PaymentProcessing, payment.PaymentActionRequired, payment.RefundRequested, payment.RefundReported, payment.RefundFailed,
		payment.PaymentDisputed, payment.DisputeClosed: // settle nothing
	default:
		return errOrder(r)
	}
	return nil
}

func (j *journal) customer(id string) *customerMoves {
	if j.customers[id] == nil {
		j.customers[id] = &customerMoves{
			firstSeen: pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true},
			lastSeen:  pgtype.Timestamptz{InfinityModifier: pgtype.NegativeInfinity, Valid: true},
		}
	}
	return j.customers[id]
}

func (c *customerMoves) see(when time.Time) {
	if c.firstSeen.InfinityModifier != pgtype.Finite || when.Before(c.firstSeen.Time) {
		c.firstSeen = at(when)
	}
	if c.lastSeen.InfinityModifier != pgtype.Finite || when.After(c.lastSeen.Time) {
		c.lastSeen = at(when)
	}
}

func (j *journal) money(s *customerStream) *spendMoves {
	key := spendKey{customer: s.CustomerID, currency: s.Currency}
	if j.spend[key] == nil {
		j.spend[key] = &spendMoves{}
	}
	return j.spend[key]
}

// note adds to the history of the stream's customer.
func (j *journal) note(s *customerStream, r *Record, kind string, amount int64) {
	entry := db.CustomerHistory{
		CustomerID: s.CustomerID, Position: r.Position, At: at(r.RecordedAt), Kind: kind, EventID: s.EventID,
		ReservationID: s.ReservationID, Tickets: s.Tickets, Amount: amount, Currency: s.Currency,
	}
	if r.category() == payment.Category {
		entry.PaymentID = maybe(r.subject())
	}
	j.history = append(j.history, entry)
}
