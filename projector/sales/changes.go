package sales

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"time"

	"ticketing/command/event"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/projector/projection"
)

// changes are the rows that a batch changes.
type changes struct {
	reservations map[string]*saleReservation
	payments     map[string]*salePayment
	sums         map[sumKey]*sums
}

func newChanges() *changes {
	return &changes{reservations: map[string]*saleReservation{}, payments: map[string]*salePayment{}, sums: map[sumKey]*sums{}}
}

type sumKey struct {
	event, section string
	day            time.Time
	currency       string
}

// sums are by how much the batch moves a row. Amounts of many reservations together may be larger than those of one.
type sums struct {
	sold, returned        int64
	gross, refunded, lost big.Int
}

func addAmount(sum *big.Int, minor int64) { sum.Add(sum, big.NewInt(minor)) }

func (c *changes) apply(r *projection.Record) error {
	if r.Category() == reservation.Category {
		return c.applyReservation(r)
	}
	return c.applyPayment(r)
}

func (c *changes) applyReservation(r *projection.Record) error {
	initiated, isFirst := r.Event.(reservation.ReservationInitiated)
	if isFirst != (r.Version == 1) {
		return r.Misplaced()
	}
	s := c.changeReservation(r.AggregateID())
	s.Version = r.Version
	switch e := r.Event.(type) {
	case reservation.ReservationInitiated:
		s.EventID, s.Currency, s.TimeZone = initiated.EventID, initiated.Total.Currency, initiated.TimeZone
		s.sections = sumSections(initiated.Seats)
	case reservation.ReservationCompleted:
		return c.countSale(s, e)
	case reservation.TicketsReturned:
		return c.countReturnedTickets(s, e)
	case reservation.ReservationRefunded:
		return c.countReturn(s, e.RefundedAt)
	case reservation.PaymentRequested, reservation.PaymentAttemptFailed, reservation.ReservationCancelled,
		reservation.ReservationExpired, reservation.ReservationCompensated: // sell nothing
	default:
		return r.Misplaced()
	}
	return nil
}

func (c *changes) applyPayment(r *projection.Record) error {
	initiated, isFirst := r.Event.(payment.PaymentInitiated)
	if isFirst != (r.Version == 1) {
		return r.Misplaced()
	}
	id := r.AggregateID()
	if isFirst {
		c.payments[id] = &salePayment{PaymentRow: PaymentRow{
			ID: id, ReservationID: initiated.ReservationID, EventID: initiated.EventID, Refunds: json.RawMessage("[]"),
		}}
	}
	p := c.payments[id]
	p.Version, p.changed = r.Version, true
	switch e := r.Event.(type) {
	case payment.PaymentRefunded:
		return c.addRefund(p, Refund{Amount: e.Amount.Minor, Parts: SumTickets(e.Tickets), At: e.RefundedAt})
	case payment.PaymentDisputed:
		return c.addRefund(p, Refund{Amount: e.Amount.Minor, Dispute: e.DisputeID, At: e.DisputedAt})
	case payment.DisputeClosed:
		return c.closeDispute(p, e)
	case payment.RefundSentBack:
		return c.addRefund(p, Refund{Amount: -e.Amount.Minor, Parts: SumTickets(e.Tickets), At: e.SentBackAt})
	case payment.PaymentInitiated, payment.PaymentProcessing, payment.PaymentActionRequired, payment.PaymentCompleted, payment.PaymentFailed,
		payment.RefundRequested, payment.RefundFailed, payment.RefundRetried, payment.RefundReported: // give nothing back
	default:
		return r.Misplaced()
	}
	return nil
}

// changeReservation returns a reservation that is about to change, an empty one if it is new.
func (c *changes) changeReservation(id string) *saleReservation {
	s := c.reservations[id]
	if s == nil {
		s = &saleReservation{ReservationRow: ReservationRow{ID: id, Sections: json.RawMessage("[]")}}
		c.reservations[id] = s
	}
	if !s.changed {
		s.changed = true
		s.Revision++
	}
	return s
}

// countSale counts a reservation on the day of its completion, and what of its payment was refunded already.
func (c *changes) countSale(s *saleReservation, e reservation.ReservationCompleted) error {
	if s.SoldAt.Valid {
		return errors.New("the reservation was completed already")
	}
	s.SoldAt, s.PaymentID = projection.At(e.CompletedAt), projection.TextOrNull(e.PaymentID)
	sections, err := s.decodeSections()
	if err != nil {
		return err
	}
	for _, section := range sections {
		sum := c.sumFor(s, section.Name, e.CompletedAt)
		sum.sold += section.Tickets
		addAmount(&sum.gross, section.Gross)
	}
	p := c.payments[e.PaymentID]
	if p == nil {
		return nil
	}
	refunds, err := p.decodeRefunds()
	if err != nil {
		return err
	}
	for _, refund := range refunds {
		if err := c.spreadRefund(s, refund); err != nil {
			return err
		}
	}
	return nil
}

// countReturnedTickets counts tickets that were refunded one by one.
func (c *changes) countReturnedTickets(s *saleReservation, e reservation.TicketsReturned) error {
	sections, err := s.decodeSections()
	if err != nil {
		return err
	}
	bySection := map[string]int64{}
	for _, t := range e.Tickets {
		bySection[t.Section]++
	}
	for i, section := range sections {
		n := bySection[section.Name]
		if n == 0 {
			continue
		}
		if !s.SoldAt.Valid || section.kept() < n {
			return fmt.Errorf("%d tickets of section %q are returned of %d", n, section.Name, section.kept())
		}
		sections[i].Returns = append(sections[i].Returns, Return{Tickets: n, At: e.ReturnedAt})
		c.sumFor(s, section.Name, e.ReturnedAt).returned += n
	}
	return nil
}

// countReturn counts the tickets of a reservation that was refunded in full.
func (c *changes) countReturn(s *saleReservation, when time.Time) error {
	if !s.SoldAt.Valid || s.ReturnedAt.Valid {
		return errors.New("the reservation was not completed, or was refunded already")
	}
	s.ReturnedAt = projection.At(when)
	sections, err := s.decodeSections()
	for _, section := range sections {
		c.sumFor(s, section.Name, when).returned += section.kept()
	}
	return err
}

// addRefund keeps a refund, and counts it if the payment is known to have completed its reservation. The money of a payment that came
// too late never belonged to a sale.
func (c *changes) addRefund(p *salePayment, refund Refund) error {
	refunds, err := p.decodeRefunds()
	if err != nil {
		return err
	}
	if p.Refunds, err = projection.JSON(append(refunds, refund)); err != nil {
		return err
	}
	s := c.changeReservation(p.ReservationID)
	if s.Version == 0 {
		s.EventID = p.EventID
	}
	if projection.Text(s.PaymentID) != p.ID {
		return nil
	}
	return c.spreadRefund(s, refund)
}

// closeDispute counts what a lost dispute has cost.
func (c *changes) closeDispute(p *salePayment, e payment.DisputeClosed) error {
	if e.Won {
		return nil
	}
	loss := Refund{Dispute: e.DisputeID, Lost: true, At: e.ClosedAt}
	if e.Amount != nil {
		loss.Amount = e.Amount.Minor
		return c.addRefund(p, loss)
	}
	refunds, err := p.decodeRefunds()
	for _, opened := range refunds {
		if opened.Dispute == e.DisputeID {
			loss.Amount = opened.Amount
		}
	}
	if err != nil {
		return err
	}
	return c.addRefund(p, loss)
}

// sumFor returns the sums that a section of a reservation is counted in, by the day in the time zone that its event had when it was made.
func (c *changes) sumFor(s *saleReservation, section string, when time.Time) *sums {
	key := sumKey{event: s.EventID, section: section, day: event.Day(when, s.TimeZone), currency: s.Currency}
	if c.sums[key] == nil {
		c.sums[key] = &sums{}
	}
	return c.sums[key]
}
