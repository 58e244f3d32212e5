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

// The event of every run is small, so that customers compete.
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

// modelReservation is a reservation of the model.
type modelReservation struct {
	id, customer string
	seats        []reservation.Seat
	minor        int64
	status       reservation.Status
	expiresAt    time.Time
	extended     bool
	attempts     int
	payment      string // with the gateway, or that paid for it
	returned     []int  // ordinals of the tickets that were refunded one by one
}

// kept returns the seats whose tickets were not returned.
func (b *modelReservation) kept() (seats []reservation.Seat) {
	for ordinal, seat := range b.seats {
		if !slices.Contains(b.returned, ordinal) {
			seats = append(seats, seat)
		}
	}
	return seats
}

// price returns what the tickets that were kept cost.
func (b *modelReservation) price() (minor int64) {
	for _, seat := range b.kept() {
		minor += seat.Price.Minor
	}
	return minor
}

func (b *modelReservation) holding() bool {
	return b.status == reservation.SeatsReserved || b.status == reservation.PaymentPending
}

func (b *modelReservation) has() bool { return b.holding() || b.status == reservation.Completed }

func (b *modelReservation) tickets(section string) (n int) {
	for _, seat := range b.kept() {
		if seat.Section == section {
			n++
		}
	}
	return n
}

// modelRefund is a refund of the model.
type modelRefund struct {
	id      string // empty until the log says it
	minor   int64
	tickets []int // ordinals; empty: it is for all that was left
	status  payment.RefundStatus
	asked   bool // the bank was asked for it before
}

// modelPayment is a payment of the model.
type modelPayment struct {
	id, token   string
	reservation *modelReservation
	status      payment.Status
	declined    bool // with Failed; else the bank was out of reach, or the payment was given up
	refunds     []*modelRefund
	windUp      bool // the refund of a cancelled event was requested
	unused      bool // it was charged when its event was cancelled already
}

// sum returns the sum of the refunds with one of the statuses.
func (b *modelPayment) sum(statuses ...payment.RefundStatus) (minor int64) {
	for _, r := range b.refunds {
		if slices.Contains(statuses, r.status) {
			minor += r.minor
		}
	}
	return minor
}

// left returns what can be refunded.
func (b *modelPayment) left() int64 {
	return b.reservation.minor - b.sum(payment.RefundPending, payment.RefundCompleted)
}

// refunding reports whether a refund that is given, or may be, is for the ticket.
func (b *modelPayment) refunding(ordinal int) bool {
	return slices.ContainsFunc(b.refunds, func(r *modelRefund) bool {
		return r.status != payment.RefundRefused && slices.Contains(r.tickets, ordinal)
	})
}

// find returns the refunds with a status.
func (b *modelPayment) find(status payment.RefundStatus) (found []*modelRefund) {
	for _, r := range b.refunds {
		if r.status == status {
			found = append(found, r)
		}
	}
	return found
}

// charged reports whether the log says that the bank has taken the money.
func (b *modelPayment) charged() bool {
	return b.status == payment.Completed || b.status == payment.PartiallyRefunded || b.status == payment.Refunded
}

// addFullRefund requests all that is left.
func (b *modelPayment) addFullRefund() {
	b.windUp = true
	b.refunds = append(b.refunds, &modelRefund{minor: b.left(), status: payment.RefundPending})
}

// afterRefund records that the bank gave a refund, or sent one back.
func (b *modelPayment) afterRefund() {
	switch given := b.sum(payment.RefundCompleted); given {
	case b.reservation.minor:
		b.status = payment.Refunded
	case 0:
		b.status = payment.Completed
	default:
		b.status = payment.PartiallyRefunded
	}
}

func (b *modelPayment) undecided() bool {
	return b.status == payment.Initiated || b.status == payment.RequiresAction || b.status == payment.Processing
}

// model is the business in its simplest form.
type model struct {
	eventID      string
	status       event.Status
	reservations []*modelReservation
	payments     []*modelPayment
}

// taken reports whether a seat has a holder.
func (m *model) taken(label string) bool {
	return slices.ContainsFunc(m.reservations, func(b *modelReservation) bool {
		return b.has() && slices.ContainsFunc(b.kept(), func(s reservation.Seat) bool { return s.Label == label })
	})
}

func (m *model) left(p part) int {
	left := p.capacity
	for _, b := range m.reservations {
		if b.has() {
			left -= b.tickets(p.name)
		}
	}
	return left
}

func (m *model) ticketsOf(customer string) (n int) {
	for _, b := range m.reservations {
		if b.has() && b.customer == customer {
			n += len(b.kept())
		}
	}
	return n
}

// reserveRejection returns the code with which a request for seats is rejected, or "".
func (m *model) reserveRejection(customer string, items []inventory.ReserveItem) rejection.Code {
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

// addReservation adds a new reservation after checking that it has what was requested.
func (m *model) addReservation(t *rapid.T, id, customer string, items []inventory.ReserveItem, s reservation.State, now time.Time) *modelReservation {
	b := &modelReservation{
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
	m.reservations = append(m.reservations, b)
	return b
}

// payRejection returns the code with which paying a reservation is rejected now, or "".
func (m *model) payRejection(b *modelReservation, now time.Time) rejection.Code {
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

// afterSuccess records that a payment was charged.
func (m *model) afterSuccess(b *modelPayment) {
	b.status = payment.Completed
	if m.status == event.Cancelled {
		b.reservation.status, b.unused = reservation.Cancelled, true
		b.addFullRefund()
		return
	}
	b.reservation.status, b.reservation.payment = reservation.Completed, b.id
}

// afterFailure records that a payment failed: only a decline uses up an attempt.
func (m *model) afterFailure(b *modelPayment, declined bool) {
	b.status, b.declined = payment.Failed, declined
	if declined {
		b.reservation.attempts--
	}
	b.reservation.status, b.reservation.payment = reservation.SeatsReserved, ""
	if b.reservation.attempts == 0 {
		b.reservation.status, b.reservation.payment = reservation.Compensated, b.id
	}
}

// turnBack gives up the payment that a reservation waits for because its customer has to act, and reports whether there was one.
func (m *model) turnBack(b *modelReservation) bool {
	p := m.paymentOf(b)
	if b.status != reservation.PaymentPending || p == nil || p.status != payment.RequiresAction {
		return false
	}
	m.afterFailure(p, false)
	if m.status == event.Cancelled {
		b.status = reservation.Cancelled
	}
	return true
}

// afterGivingUp records that a reservation ends although a payment of it is at the bank.
func (m *model) afterGivingUp(b *modelPayment, charged bool, ended reservation.Status) {
	if charged {
		m.afterSuccess(b)
		return
	}
	b.status, b.reservation.status = payment.Failed, ended
}

func (m *model) paymentOf(b *modelReservation) *modelPayment {
	i := slices.IndexFunc(m.payments, func(p *modelPayment) bool { return p.id == b.payment })
	if i < 0 {
		return nil
	}
	return m.payments[i]
}

// expectedBalance returns what the bank must have at this moment: what was charged, whether it is recorded or not yet, and not given back.
func (m *model) expectedBalance(charged func(paymentID string) bool) (minor int64) {
	for _, b := range m.payments {
		if b.charged() || b.undecided() && charged(b.id) {
			minor += b.reservation.minor - b.sum(payment.RefundCompleted)
		}
	}
	return minor
}

// requireModel requires the log to agree with the model on every reservation, payment and section.
func (m *model) requireModel(t *rapid.T, l *ledger) {
	require.Len(t, l.reservations, len(m.reservations), "reservations")
	require.Len(t, l.payments, len(m.payments), "payments")
	tickets := map[string]int{}
	for _, b := range m.reservations {
		s := l.reservations[b.id]
		require.Equal(t, b.status, s.Status, "reservation %s", b.id)
		require.Equal(t, b.expiresAt, s.ExpiresAt, "end of hold of %s", b.id)
		require.ElementsMatch(t, b.returned, s.Returned, "tickets of %s that were returned", b.id)
		require.Equal(t, b.attempts, s.AttemptsLeft, "attempts of %s", b.id)
		require.Equal(t, b.payment, s.PaymentID, "payment of %s", b.id)
		require.LessOrEqual(t, len(s.Seats), mostOfOne)
		if b.has() {
			tickets[b.customer] += len(s.KeptSeats())
			require.LessOrEqual(t, tickets[b.customer], mostOfCustomer, "tickets of %s", b.customer)
		}
	}
	for _, b := range m.payments {
		s := l.payments[b.id]
		require.Equal(t, b.status, s.Status, "payment %s with card %q", b.id, b.token)
		require.Len(t, s.Refunds, len(b.refunds), "refunds of %s", b.id)
		for i, r := range b.refunds {
			require.Equal(t, r.status, s.Refunds[i].Status, "refund %d of %s", i, b.id)
			require.Equal(t, r.minor, s.Refunds[i].Amount.Minor, "refund %d of %s", i, b.id)
			r.id = s.Refunds[i].ID
		}
	}
	for _, p := range parts() {
		section := l.inventory.Section(p.name)
		require.Equal(t, m.left(p), section.Available(), "available in %s", p.name)
		require.Equal(t, p.capacity, section.Available()+section.Reserved+section.Sold)
	}
}
