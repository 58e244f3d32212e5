package command_test

import (
	"slices"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/rejection"
	"ticketing/command/reservation"
)

// What the event of every run is like: small, so that customers meet.
const (
	hold           = 5 * time.Minute
	mostOfOne      = 3 // tickets of a reservation
	mostOfCustomer = 5
	attempts       = 2
)

type part struct {
	name     string
	capacity int
	minor    int64
	labels   []string
}

func parts() []part {
	return []part{
		{name: "Floor", capacity: 6, minor: 2500},
		{name: "Stalls", capacity: 5, minor: 4000, labels: []string{"A-1", "A-2", "A-3", "B-1", "B-2"}},
		{name: "Lawn", capacity: 3},
	}
}

// booking is a reservation of the model.
type booking struct {
	id, customer string
	seats        []reservation.Seat
	minor        int64
	status       reservation.Status
	expiresAt    time.Time
	extended     bool
	attempts     int
	payment      string // with the gateway, or that paid for it
}

func (b *booking) holding() bool {
	return b.status == reservation.SeatsReserved || b.status == reservation.PaymentPending
}

func (b *booking) has() bool { return b.holding() || b.status == reservation.Completed }

func (b *booking) tickets(section string) (n int) {
	for _, seat := range b.seats {
		if seat.Section == section {
			n++
		}
	}
	return n
}

// bill is a payment of the model.
type bill struct {
	id, token string
	booking   *booking
	status    payment.Status
	refund    string // id of the refund that is pending
	asked     bool   // the bank was asked for it before
}

func (b *bill) undecided() bool {
	return b.status == payment.Initiated || b.status == payment.RequiresAction || b.status == payment.Processing
}

// model is the business, as simple as it can be told.
type model struct {
	eventID  string
	status   event.Status
	bookings []*booking
	bills    []*bill
}

// taken answers who has a seat.
func (m *model) taken(label string) bool {
	return slices.ContainsFunc(m.bookings, func(b *booking) bool {
		return b.has() && slices.ContainsFunc(b.seats, func(s reservation.Seat) bool { return s.Label == label })
	})
}

func (m *model) left(p part) int {
	left := p.capacity
	for _, b := range m.bookings {
		if b.has() {
			left -= b.tickets(p.name)
		}
	}
	return left
}

func (m *model) ticketsOf(customer string) (n int) {
	for _, b := range m.bookings {
		if b.has() && b.customer == customer {
			n += len(b.seats)
		}
	}
	return n
}

// reserve answers why a wish is rejected, or "".
func (m *model) reserve(customer string, items []inventory.ReserveItem) rejection.Code {
	if m.status != event.SalesOpen {
		return rejection.SalesNotOpen
	}
	wanted := 0
	bySection := map[string]int{}
	taken := false
	for _, item := range items {
		n := len(item.Labels)
		if item.Quantity != nil {
			n = *item.Quantity
		}
		wanted += n
		bySection[item.Section] += n
		taken = taken || slices.ContainsFunc(item.Labels, m.taken)
	}
	switch {
	case wanted > mostOfOne, m.ticketsOf(customer)+wanted > mostOfCustomer:
		return rejection.LimitExceeded
	case taken:
		return rejection.SeatUnavailable
	}
	for _, p := range parts() {
		if bySection[p.name] > m.left(p) {
			return rejection.InsufficientInventory
		}
	}
	return ""
}

// reserved takes a new reservation up, after checking that it is what was wished for.
func (m *model) reserved(t *rapid.T, id, customer string, items []inventory.ReserveItem, s reservation.State, now time.Time) *booking {
	b := &booking{
		id: id, customer: customer, seats: s.Seats, status: reservation.SeatsReserved, expiresAt: now.Add(hold), attempts: attempts,
	}
	for _, seat := range s.Seats {
		require.False(t, seat.Label != "" && m.taken(seat.Label), "seat %s has two holders", seat.Label)
	}
	for _, p := range parts() {
		wanted := 0
		for _, item := range items {
			if item.Section != p.name {
				continue
			}
			if item.Quantity != nil {
				wanted += *item.Quantity
			}
			wanted += len(item.Labels)
			for _, label := range item.Labels {
				require.True(t, slices.ContainsFunc(s.Seats, func(s reservation.Seat) bool { return s.Label == label }), "seat %s was not given", label)
			}
		}
		require.Equal(t, wanted, b.tickets(p.name), "tickets of %s", p.name)
		b.minor += int64(wanted) * p.minor
	}
	m.bookings = append(m.bookings, b)
	return b
}

// payable answers why a booking can't be paid now, or "".
func (m *model) payable(b *booking, now time.Time) rejection.Code {
	switch {
	case b.holding() && m.status == event.Cancelled:
		return rejection.InvalidState
	case b.status == reservation.PaymentPending:
		return rejection.PaymentInProgress
	case b.status == reservation.Expired, b.status == reservation.SeatsReserved && !now.Before(b.expiresAt):
		return rejection.ReservationExpired
	case b.status != reservation.SeatsReserved:
		return rejection.InvalidState
	}
	return ""
}

// succeeded is what it means that a payment was charged.
func (m *model) succeeded(b *bill) {
	b.status = payment.Completed
	if m.status == event.Cancelled {
		b.booking.status, b.refund = reservation.Cancelled, "?"
		return
	}
	b.booking.status, b.booking.payment = reservation.Completed, b.id
}

// failed is what it means that a payment came to nothing: only a decline uses up an attempt.
func (m *model) failed(b *bill, declined bool) {
	b.status = payment.Failed
	if declined {
		b.booking.attempts--
	}
	b.booking.status, b.booking.payment = reservation.SeatsReserved, ""
	if b.booking.attempts == 0 {
		b.booking.status, b.booking.payment = reservation.Compensated, b.id
	}
}

// givenUp is what it means that a booking ends although a payment of it is at the bank.
func (m *model) givenUp(b *bill, charged bool, ended reservation.Status) {
	if charged {
		m.succeeded(b)
		return
	}
	b.status, b.booking.status = payment.Failed, ended
}

func (m *model) billOf(b *booking) *bill {
	i := slices.IndexFunc(m.bills, func(bill *bill) bool { return bill.id == b.payment })
	if i < 0 {
		return nil
	}
	return m.bills[i]
}

// owed answers what the bank must have at this moment: for the tickets that are sold, what is on its way back, and what it has charged
// and nobody has written down yet.
func (m *model) owed(charged func(paymentID string) bool) (minor int64) {
	for _, b := range m.bookings {
		if b.status == reservation.Completed {
			minor += b.minor
		}
	}
	for _, b := range m.bills {
		switch {
		case b.undecided() && charged(b.id):
			minor += b.booking.minor
		case b.refund != "" && b.booking.status != reservation.Completed:
			minor += b.booking.minor
		}
	}
	return minor
}

// requireModel wants the log to say what the model says, of every reservation, payment and section.
func (m *model) requireModel(t *rapid.T, l *ledger) {
	require.Len(t, l.reservations, len(m.bookings), "reservations")
	require.Len(t, l.payments, len(m.bills), "payments")
	tickets := map[string]int{}
	for _, b := range m.bookings {
		s := l.reservations[b.id]
		require.Equal(t, b.status, s.Status, "reservation %s", b.id)
		require.Equal(t, b.expiresAt, s.ExpiresAt, "end of hold of %s", b.id)
		require.Equal(t, b.attempts, s.AttemptsLeft, "attempts of %s", b.id)
		require.Equal(t, b.payment, s.PaymentID, "payment of %s", b.id)
		require.LessOrEqual(t, len(s.Seats), mostOfOne)
		if b.has() {
			tickets[b.customer] += len(s.Seats)
			require.LessOrEqual(t, tickets[b.customer], mostOfCustomer, "tickets of %s", b.customer)
		}
	}
	for _, b := range m.bills {
		s := l.payments[b.id]
		require.Equal(t, b.status, s.Status, "payment %s with card %q", b.id, b.token)
		pending := ""
		for _, r := range s.Refunds {
			if r.Status == payment.RefundPending {
				pending = r.ID
			}
		}
		require.Equal(t, b.refund != "", pending != "", "refund of %s", b.id)
		b.refund = pending
	}
	for _, p := range parts() {
		section := l.stock.Section(p.name)
		require.Equal(t, m.left(p), section.Available(), "available in %s", p.name)
		require.Equal(t, p.capacity, section.Available()+section.Reserved+section.Sold)
	}
}
