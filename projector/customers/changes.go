package customers

import (
	"math/big"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/projector/projection"
)

// changes are the rows of the batch's streams, by how much the batch moves the rows of their customers, and what it adds to their
// history.
type changes struct {
	streams   map[string]*customerStream
	customers map[string]*customerMoves
	spend     map[spendKey]*spendMoves
	history   []HistoryRow
}

func newChanges() *changes {
	return &changes{
		streams: map[string]*customerStream{}, customers: map[string]*customerMoves{}, spend: map[spendKey]*spendMoves{},
	}
}

type customerStream struct {
	StreamRow
	expected int64 // version of the row in the table; 0: there is none
}

// customerMoves are by how much the batch moves a row. The times are infinite for a customer who did nothing in the batch, so that they
// are never the first or the last ones.
type customerMoves struct {
	reservations, completed, returned, tickets int64
	firstSeen, lastSeen                        pgtype.Timestamptz
}

type spendKey struct{ customer, currency string }

// spendMoves are sums of amounts, which together may be larger than each.
type spendMoves struct{ spent, refunded big.Int }

func addAmount(sum *big.Int, minor int64) { sum.Add(sum, big.NewInt(minor)) }

func (c *changes) apply(r *projection.Record) error {
	s := c.streams[r.StreamID]
	if r.Version == 1 {
		s = newStream(r)
		c.streams[r.StreamID] = s
	}
	if s == nil {
		return r.Misplaced()
	}
	s.Version = r.Version
	if r.Version == 1 || r.Metadata.Actor == s.CustomerID {
		c.customer(s).see(r.RecordedAt)
	}
	if _, ok := r.Event.(reservation.DomainEvent); ok {
		return c.applyReservation(s, r)
	}
	return c.applyPayment(s, r)
}

// newStream returns the row of a stream that begins with r, nil if no stream begins so.
func newStream(r *projection.Record) *customerStream {
	switch e := r.Event.(type) {
	case reservation.ReservationInitiated:
		return &customerStream{StreamRow: StreamRow{
			ID: r.StreamID, CustomerID: e.CustomerID, EventID: e.EventID, ReservationID: r.AggregateID(), Tickets: int64(len(e.Seats)),
			Amount: e.Total.Minor, Currency: e.Total.Currency,
		}}
	case payment.PaymentInitiated:
		return &customerStream{StreamRow: StreamRow{
			ID: r.StreamID, CustomerID: e.CustomerID, EventID: e.EventID, ReservationID: e.ReservationID,
			Amount: e.Amount.Minor, Currency: e.Amount.Currency,
		}}
	}
	return nil
}

func (c *changes) applyReservation(s *customerStream, r *projection.Record) error {
	switch e := r.Event.(type) {
	case reservation.ReservationInitiated:
		if r.Version > 1 {
			return r.Misplaced()
		}
		c.customer(s).reservations++
		c.addHistory(s, r, ReservationInitiated, s.Amount)
	case reservation.ReservationCompleted:
		c.customer(s).completed++
		c.customer(s).tickets += s.Tickets
		c.addHistory(s, r, ReservationCompleted, s.Amount)
	case reservation.TicketsReturned:
		returned := int64(len(e.Tickets))
		c.customer(s).tickets -= returned
		s.Tickets -= returned
	case reservation.ReservationRefunded:
		c.customer(s).returned++
		c.customer(s).tickets -= s.Tickets
		c.addHistory(s, r, ReservationRefunded, s.Amount)
	case reservation.ReservationCancelled:
		c.addHistory(s, r, ReservationCancelled, s.Amount)
	case reservation.ReservationExpired:
		c.addHistory(s, r, ReservationExpired, s.Amount)
	case reservation.ReservationCompensated:
		c.addHistory(s, r, ReservationCompensated, s.Amount)
	case reservation.PaymentRequested, reservation.PaymentAttemptFailed: // how payments go is in their own streams
	default:
		return r.Misplaced()
	}
	return nil
}

func (c *changes) applyPayment(s *customerStream, r *projection.Record) error {
	switch e := r.Event.(type) {
	case payment.PaymentInitiated:
		if r.Version > 1 {
			return r.Misplaced()
		}
	case payment.PaymentCompleted:
		addAmount(&c.money(s).spent, s.Amount)
		c.addHistory(s, r, PaymentCompleted, s.Amount)
	case payment.PaymentFailed:
		c.addHistory(s, r, PaymentFailed, s.Amount)
	case payment.PaymentRefunded:
		addAmount(&c.money(s).refunded, e.Amount.Minor)
		c.addHistory(s, r, PaymentRefunded, e.Amount.Minor)
	case payment.RefundSentBack:
		addAmount(&c.money(s).refunded, -e.Amount.Minor)
		c.addHistory(s, r, RefundSentBack, e.Amount.Minor)
	case payment.PaymentProcessing, payment.PaymentActionRequired, payment.RefundRequested, payment.RefundReported, payment.RefundFailed, payment.RefundRetried,
		payment.PaymentDisputed, payment.DisputeClosed: // move no money
	default:
		return r.Misplaced()
	}
	return nil
}

// customer returns the moves of the customer that a stream belongs to.
func (c *changes) customer(s *customerStream) *customerMoves {
	if c.customers[s.CustomerID] == nil {
		c.customers[s.CustomerID] = &customerMoves{
			firstSeen: pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true},
			lastSeen:  pgtype.Timestamptz{InfinityModifier: pgtype.NegativeInfinity, Valid: true},
		}
	}
	return c.customers[s.CustomerID]
}

func (m *customerMoves) see(when time.Time) {
	if m.firstSeen.InfinityModifier != pgtype.Finite || when.Before(m.firstSeen.Time) {
		m.firstSeen = projection.At(when)
	}
	if m.lastSeen.InfinityModifier != pgtype.Finite || when.After(m.lastSeen.Time) {
		m.lastSeen = projection.At(when)
	}
}

// money returns the moves of what the customer of a payment spent in its currency.
func (c *changes) money(s *customerStream) *spendMoves {
	key := spendKey{customer: s.CustomerID, currency: s.Currency}
	if c.spend[key] == nil {
		c.spend[key] = &spendMoves{}
	}
	return c.spend[key]
}

// addHistory adds to the history of the customer that the stream belongs to.
func (c *changes) addHistory(s *customerStream, r *projection.Record, kind string, amount int64) {
	row := HistoryRow{
		CustomerID: s.CustomerID, Position: r.Position, At: projection.At(r.RecordedAt), Kind: kind, EventID: s.EventID,
		ReservationID: s.ReservationID, Tickets: s.Tickets, Amount: amount, Currency: s.Currency,
	}
	if r.Category() == payment.Category {
		row.PaymentID = projection.TextOrNull(r.AggregateID())
	}
	c.history = append(c.history, row)
}
