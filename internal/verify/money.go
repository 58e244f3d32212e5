package verify

import (
	"ticketing/command/payment"     //nolint:depguard // as in verify.go
	"ticketing/command/reservation" //nolint:depguard // as in verify.go
)

// checkMoney wants every amount that was taken to stand for a completed reservation, or to be on its way back.
func (l *Log) checkMoney(found *Report) {
	whole := true // nothing that can't be read hides a part of the sums
	sums := map[string]Sum{}
	for _, id := range sorted(l.payments) {
		p := l.payments[id]
		if p.broken {
			whole = false
			continue
		}
		r := l.reservations[p.state.ReservationID]
		if r == nil {
			found.broken(payment.Stream(id), "there is no reservation %s", p.state.ReservationID)
			continue
		}
		if r.broken {
			whole = false
			continue
		}
		l.checkPayment(id, p, r, found)
		sum := sums[p.state.Amount.Currency]
		sum.add(id, p, r)
		sums[p.state.Amount.Currency] = sum
	}
	for _, id := range sorted(l.reservations) {
		r := l.reservations[id]
		if r.broken {
			whole = false
			continue
		}
		l.checkPaid(id, r, found)
		if r.state.Status == reservation.Completed {
			sum := sums[r.state.Total.Currency]
			sum.Due += r.state.Total.Minor
			sums[r.state.Total.Currency] = sum
		}
	}
	for _, currency := range sorted(sums) {
		s := sums[currency]
		if kept := s.Taken - s.Refunded - s.Refused; whole && s.Pending == 0 && kept != s.Due {
			found.broken("money in "+currency, "%d was taken and %d refunded, and completed reservations stand for %d", s.Taken, s.Refunded, s.Due)
		}
	}
	found.Money = sums
}

// add counts a payment. What was given back of a completed reservation is no longer due for it.
func (s *Sum) add(id string, p *charge, r *hold) {
	if p.state.CompletedAt == nil {
		return
	}
	refunded := p.state.RefundedMinor()
	s.Taken += p.state.Amount.Minor
	s.Refunded += refunded
	s.Pending += p.state.Amount.Minor - refunded - p.state.RefundableMinor()
	switch {
	case stands(id, r):
		s.Due -= refunded
	case p.refused():
		s.Refused += p.state.RefundableMinor()
	}
}

// stands says whether the reservation was completed by the payment, and still is.
func stands(paymentID string, r *hold) bool {
	return r.state.Status == reservation.Completed && r.state.PaymentID == paymentID
}

func (l *Log) checkPayment(id string, p *charge, r *hold, found *Report) {
	stream := payment.Stream(id)
	if p.state.Amount != r.state.Total || p.state.CustomerID != r.state.CustomerID || p.state.EventID != r.state.EventID {
		found.broken(stream, "it is %s of %s for event %s, and its reservation %s of %s for event %s",
			p.state.Amount, p.state.CustomerID, p.state.EventID, r.state.Total, r.state.CustomerID, r.state.EventID)
	}
	pending := r.state.Status == reservation.PaymentPending && r.state.PaymentID == id
	if p.state.Undecided() != pending {
		found.broken(stream, "it is %s, and its reservation is %s, paid by %q", p.state.Status, r.state.Status, r.state.PaymentID)
	}
	if p.state.CompletedAt == nil {
		if len(p.state.Refunds) > 0 {
			found.broken(stream, "it is %s and has refunds", p.state.Status)
		}
		return
	}
	left := p.state.RefundableMinor()
	if left < 0 {
		found.broken(stream, "%d more is refunded than was taken", -left)
	}
	if left > 0 && !stands(id, r) && !p.refused() {
		found.broken(stream, "%d was taken for a reservation that is %s, and is not refunded", left, r.state.Status)
	}
	if p.state.Status == payment.Refunded && stands(id, r) {
		found.broken(stream, "it is refunded, and its reservation still completed")
	}
	if r.state.Status == reservation.Refunded && r.state.PaymentID == id && p.state.Status != payment.Refunded {
		found.broken(stream, "it is %s, and its reservation is refunded", p.state.Status)
	}
}

// checkPaid wants a ticket to be paid, unless it is free.
func (l *Log) checkPaid(id string, r *hold, found *Report) {
	ended := r.state.Status == reservation.Completed || r.state.Status == reservation.Refunded
	if !ended && r.state.Status != reservation.PaymentPending {
		return
	}
	if r.state.PaymentID == "" {
		if r.state.Total.Minor != 0 {
			found.broken(reservation.Stream(id), "it is %s, costs %s and has no payment", r.state.Status, r.state.Total)
		}
		return
	}
	p := l.payments[r.state.PaymentID]
	switch {
	case p == nil || (!p.broken && p.state.ReservationID != id):
		found.broken(reservation.Stream(id), "its payment %s is none of it", r.state.PaymentID)
	case ended && !p.broken && p.state.CompletedAt == nil:
		found.broken(reservation.Stream(id), "it is %s, and its payment is %s", r.state.Status, p.state.Status)
	}
}
