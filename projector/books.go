package projector

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/projector/db"
)

// books are what a batch of the sales projection works on.
type books struct {
	reservations map[string]*sale
	payments     map[string]*salePayment
	sums         map[sumKey]*sums
}

func newBooks() *books {
	return &books{reservations: map[string]*sale{}, payments: map[string]*salePayment{}, sums: map[sumKey]*sums{}}
}

// sale is what a reservation comes to.
type sale struct {
	db.SaleReservation
	sections []saleSection // decoded when they are needed
	changed  bool
}

// saleSection is what a reservation has of one section.
type saleSection struct {
	Section  string `json:"section"`
	Tickets  int64  `json:"tickets"`
	Gross    int64  `json:"gross"`
	Refunded int64  `json:"refunded"`
}

type salePayment struct {
	db.SalePayment
	changed bool
}

type saleRefund struct {
	Amount int64     `json:"amount"`
	At     time.Time `json:"at"`
}

type sumKey struct {
	event, section string
	day            time.Time
	currency       string
}

// sums are by how much the batch moves a row.
type sums struct{ sold, returned, gross, refunded int64 }

func (b *books) evolve(r *Record) error {
	if r.category() == reservation.Category {
		return b.evolveReservation(r)
	}
	return b.evolvePayment(r)
}

func (b *books) evolveReservation(r *Record) error {
	initiated, isFirst := r.Event.(reservation.ReservationInitiated)
	if isFirst != (r.Version == 1) {
		return errOrder(r)
	}
	s := b.sale(r.subject())
	s.Version = r.Version
	switch e := r.Event.(type) {
	case reservation.ReservationInitiated:
		s.EventID, s.Currency, s.sections = initiated.EventID, initiated.Total.Currency, bySection(initiated.Seats)
	case reservation.ReservationCompleted:
		return b.sell(s, e)
	case reservation.ReservationRefunded:
		return b.takeBack(s, e.RefundedAt)
	case reservation.PaymentRequested, reservation.PaymentAttemptFailed, reservation.ReservationCancelled,
		reservation.ReservationExpired, reservation.ReservationCompensated: // sell nothing
	default:
		return errOrder(r)
	}
	return nil
}

func (b *books) evolvePayment(r *Record) error {
	initiated, isFirst := r.Event.(payment.PaymentInitiated)
	if isFirst != (r.Version == 1) {
		return errOrder(r)
	}
	if isFirst {
		b.payments[r.subject()] = &salePayment{SalePayment: db.SalePayment{
			ID: r.subject(), ReservationID: initiated.ReservationID, EventID: initiated.EventID, Refunds: json.RawMessage("[]"),
		}}
	}
	p := b.payments[r.subject()]
	p.Version, p.changed = r.Version, true
	if e, ok := r.Event.(payment.PaymentRefunded); ok {
		return b.refund(p, saleRefund{Amount: e.Amount.Minor, At: e.RefundedAt})
	}
	if _, ok := r.Event.(payment.DomainEvent); !ok {
		return errOrder(r)
	}
	return nil
}

// sale answers a reservation that is going to be changed, an empty one if nothing was known of it.
func (b *books) sale(id string) *sale {
	s := b.reservations[id]
	if s == nil {
		s = &sale{SaleReservation: db.SaleReservation{ID: id, Sections: json.RawMessage("[]")}}
		b.reservations[id] = s
	}
	if !s.changed {
		s.changed = true
		s.Revision++
	}
	return s
}

// sell counts a reservation on the day of its completion, and what of its payment was given back already.
func (b *books) sell(s *sale, e reservation.ReservationCompleted) error {
	if s.SoldAt.Valid {
		return errors.New("it was completed already")
	}
	s.SoldAt, s.PaymentID = at(e.CompletedAt), maybe(e.PaymentID)
	sections, err := s.decoded()
	if err != nil {
		return err
	}
	for _, section := range sections {
		sums := b.sum(s, section.Section, e.CompletedAt)
		sums.sold += section.Tickets
		sums.gross += section.Gross
	}
	p := b.payments[e.PaymentID]
	if p == nil {
		return nil
	}
	refunds, err := p.decoded()
	if err != nil {
		return err
	}
	for _, r := range refunds {
		if err := b.spread(s, r); err != nil {
			return err
		}
	}
	return nil
}

// takeBack counts the tickets of a reservation that was given back in full.
func (b *books) takeBack(s *sale, when time.Time) error {
	if !s.SoldAt.Valid || s.ReturnedAt.Valid {
		return errors.New("it was not completed, or was given back already")
	}
	s.ReturnedAt = at(when)
	sections, err := s.decoded()
	for _, section := range sections {
		b.sum(s, section.Section, when).returned += section.Tickets
	}
	return err
}

// refund keeps a refund, and counts it if the payment is known to have completed its reservation. The money of a payment that came too
// late never was a sale's.
func (b *books) refund(p *salePayment, r saleRefund) error {
	refunds, err := p.decoded()
	if err != nil {
		return err
	}
	if p.Refunds, err = encode(append(refunds, r)); err != nil {
		return err
	}
	s := b.sale(p.ReservationID)
	if s.Version == 0 {
		s.EventID = p.EventID
	}
	if text(s.PaymentID) != p.ID {
		return nil
	}
	return b.spread(s, r)
}

// spread takes a refund from the sections of its reservation, in proportion to what of each is not given back yet; what is left over by
// rounding down goes, a minor unit each, to the largest fractions, the first section first where they are the same.
func (b *books) spread(s *sale, r saleRefund) error {
	sections, err := s.decoded()
	if err != nil {
		return err
	}
	kept := make([]int64, len(sections))
	for i, section := range sections {
		kept[i] = section.Gross - section.Refunded
	}
	shares, err := proportionate(r.Amount, kept)
	if err != nil {
		return err
	}
	for i, share := range shares {
		sections[i].Refunded += share
		b.sum(s, sections[i].Section, r.At).refunded += share
	}
	return nil
}

// proportionate splits amount by weights, by largest remainder. No share is larger than its weight.
func proportionate(amount int64, weights []int64) ([]int64, error) {
	whole := uint64(0)
	for _, w := range weights {
		whole += uint64(w) //nolint:gosec // prices and what is left of them are not negative
	}
	if amount < 0 || uint64(amount) > whole {
		return nil, fmt.Errorf("%d is given back of %d", amount, whole)
	}
	shares, rests := make([]int64, len(weights)), make([]uint64, len(weights))
	if amount == 0 {
		return shares, nil
	}
	left := amount
	order := make([]int, len(weights))
	for i, w := range weights {
		high, low := bits.Mul64(uint64(amount), uint64(w))    //nolint:gosec // as above
		share, rest := bits.Div64(high, low, whole)           // fits: amount is not above whole
		shares[i], rests[i], order[i] = int64(share), rest, i //nolint:gosec // not above w
		left -= shares[i]
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case rests[i] > rests[j]:
			return -1
		case rests[i] < rests[j]:
			return 1
		}
		return 0
	})
	for _, i := range order[:left] {
		shares[i]++
	}
	return shares, nil
}

// bySection sums seats up, in the order in which their sections come.
func bySection(seats []reservation.Seat) []saleSection {
	sections := make([]saleSection, 0, 1)
	for _, seat := range seats {
		i := slices.IndexFunc(sections, func(s saleSection) bool { return s.Section == seat.Section })
		if i < 0 {
			i = len(sections)
			sections = append(sections, saleSection{Section: seat.Section})
		}
		sections[i].Tickets++
		sections[i].Gross += seat.Price.Minor
	}
	return sections
}

// sum answers the row that something of a sale is counted in, by the day in UTC.
func (b *books) sum(s *sale, section string, when time.Time) *sums {
	key := sumKey{event: s.EventID, section: section, day: when.UTC().Truncate(24 * time.Hour), currency: s.Currency}
	if b.sums[key] == nil {
		b.sums[key] = &sums{}
	}
	return b.sums[key]
}

func (s *sale) decoded() ([]saleSection, error) {
	if s.sections == nil {
		if err := json.Unmarshal(s.Sections, &s.sections); err != nil {
			return nil, fmt.Errorf("sections: %w", err)
		}
	}
	return s.sections, nil
}

func (p *salePayment) decoded() (refunds []saleRefund, err error) {
	if err := json.Unmarshal(p.Refunds, &refunds); err != nil {
		return nil, fmt.Errorf("refunds: %w", err)
	}
	return refunds, nil
}
