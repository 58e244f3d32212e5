package sales

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/projector/db"
)

// ReservationRow is a row of the table sale_reservations. Sections holds a []Section.
type ReservationRow db.SaleReservation

// Section is what a reservation has of one section.
type Section struct {
	Name     string `json:"section"`
	Tickets  int64  `json:"tickets"`
	Gross    int64  `json:"gross"`
	Refunded int64  `json:"refunded"`

	Returns []Return `json:"returns,omitempty"` // of single tickets
}

// Return is tickets of a section that were refunded by themselves.
type Return struct {
	Tickets int64     `json:"tickets"`
	At      time.Time `json:"at"`
}

// kept returns how many tickets were not returned one by one.
func (s Section) kept() int64 {
	kept := s.Tickets
	for _, r := range s.Returns {
		kept -= r.Tickets
	}
	return kept
}

// PaymentRow is a row of the table sale_payments. Refunds holds a []Refund.
type PaymentRow db.SalePayment

// Refund is a refund that was carried out, one that the customer's bank sent back, or a dispute.
type Refund struct {
	Amount int64            `json:"amount"`          // below zero: sent back
	Parts  map[string]int64 `json:"parts,omitempty"` // by section: the price of the tickets that it was for, if it was for single ones
	At     time.Time        `json:"at"`

	Dispute string `json:"dispute,omitempty"` // the gateway's id
	Lost    bool   `json:"lost,omitempty"`    // of a dispute: the customer has the money
}

// SumTickets sums the prices of tickets up by section, nil without any.
func SumTickets(tickets []payment.Ticket) map[string]int64 {
	if len(tickets) == 0 {
		return nil
	}
	parts := map[string]int64{}
	for _, t := range tickets {
		parts[t.Section] += t.Price.Minor
	}
	return parts
}

// DayRow is a row of the table sales.
type DayRow db.Sale

// SectionRow is a row of the table section_sales.
type SectionRow db.SectionSale

// saleReservation is a reservation in a batch.
type saleReservation struct {
	ReservationRow
	sections []Section // decoded when they are needed
	changed  bool
}

func (s *saleReservation) decodeSections() ([]Section, error) {
	if s.sections == nil {
		if err := json.Unmarshal(s.Sections, &s.sections); err != nil {
			return nil, fmt.Errorf("decode sections: %w", err)
		}
	}
	return s.sections, nil
}

// salePayment is a payment in a batch.
type salePayment struct {
	PaymentRow
	changed bool
}

func (p *salePayment) decodeRefunds() (refunds []Refund, err error) {
	if err := json.Unmarshal(p.Refunds, &refunds); err != nil {
		return nil, fmt.Errorf("decode refunds: %w", err)
	}
	return refunds, nil
}

// sumSections sums seats up by section, in the order in which the sections come.
func sumSections(seats []reservation.Seat) []Section {
	sections := make([]Section, 0, 1)
	for _, seat := range seats {
		i := slices.IndexFunc(sections, func(s Section) bool { return s.Name == seat.Section })
		if i < 0 {
			i = len(sections)
			sections = append(sections, Section{Name: seat.Section})
		}
		sections[i].Tickets++
		sections[i].Gross += seat.Price.Minor
	}
	return sections
}
