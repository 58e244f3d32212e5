package audit

import (
	"ticketing/command/payment"
	"ticketing/command/reservation"
)

// addMoney adds the money of the payments and reservations to the report, and reports payments and reservations that do not fit each other.
func (l *Log) addMoney(report *Report) {
	for _, id := range sortedKeys(l.Payments) {
		p := l.Payments[id]
		if p.Broken {
			report.partial = true
			continue
		}
		r := l.Reservations[p.State.ReservationID]
		if r == nil {
			report.Add(payment.Stream(id), "there is no reservation %s", p.State.ReservationID)
			continue
		}
		if r.Broken {
			continue
		}
		l.checkPayment(id, p, r, report)
		sum := report.Money[p.State.Amount.Currency]
		sum.add(id, p, r)
		report.Money[p.State.Amount.Currency] = sum
	}
	for _, id := range sortedKeys(l.Reservations) {
		r := l.Reservations[id]
		if r.Broken {
			report.partial = true
			continue
		}
		l.checkPaid(id, r, report)
		if r.State.Status == reservation.Completed {
			sum := report.Money[r.State.Total.Currency]
			sum.Due += r.State.Total.Minor
			report.Money[r.State.Total.Currency] = sum
		}
	}
}

// CheckMoney reports amounts that were taken for no completed reservation and are not being refunded.
func (r *Report) CheckMoney() {
	for _, currency := range sortedKeys(r.Money) {
		s := r.Money[currency]
		if kept := s.Taken - s.Refunded - s.Lost - s.Refused; !r.partial && s.Pending == 0 && kept != s.Due {
			r.Add("money in "+currency, "%d was taken, %d refunded and %d lost, and completed reservations cost %d", s.Taken, s.Refunded, s.Lost, s.Due)
		}
	}
}

// add counts a payment. What was refunded or lost of a completed reservation is no longer due for it.
func (s *Sum) add(id string, p *Payment, r *Reservation) {
	if p.State.CompletedAt == nil {
		return
	}
	refunded, lost := p.State.RefundedMinor(), min(p.State.LostMinor(), p.State.Amount.Minor-p.State.RefundedMinor())
	s.Taken += p.State.Amount.Minor
	s.Refunded += refunded
	s.Lost += lost
	s.Pending += p.State.Amount.Minor - refunded - lost - p.State.RefundableMinor()
	switch {
	case r.completedBy(id):
		s.Due -= refunded + lost
	case p.refused():
		s.Refused += p.State.RefundableMinor()
	}
}

func (l *Log) checkPayment(id string, p *Payment, r *Reservation, report *Report) {
	stream := payment.Stream(id)
	if p.State.Amount != r.State.Total || p.State.CustomerID != r.State.CustomerID || p.State.EventID != r.State.EventID {
		report.Add(stream, "it is %s of %s for event %s, and its reservation %s of %s for event %s",
			p.State.Amount, p.State.CustomerID, p.State.EventID, r.State.Total, r.State.CustomerID, r.State.EventID)
	}
	pending := r.State.Status == reservation.PaymentPending && r.State.PaymentID == id
	if p.State.Undecided() != pending && (!p.State.Undecided() || !r.overtaken(id)) {
		report.Add(stream, "it is %s, and its reservation is %s, paid by %q", p.State.Status, r.State.Status, r.State.PaymentID)
	}
	if p.State.CompletedAt == nil {
		if len(p.State.Refunds) > 0 {
			report.Add(stream, "it is %s and has refunds", p.State.Status)
		}
		return
	}
	left := p.State.RefundableMinor()
	if left < 0 {
		report.Add(stream, "%d more is refunded than was taken", -left)
	}
	if left > 0 && !r.completedBy(id) && !p.refused() {
		report.Add(stream, "%d was taken for a reservation that is %s, and is not refunded", left, r.State.Status)
	}
	if p.State.Status == payment.Refunded && r.completedBy(id) {
		report.Add(stream, "it is refunded, and its reservation still completed")
	}
	if r.State.Status == reservation.Refunded && r.State.PaymentID == id && !p.State.GivenBack() && !p.sentBack() {
		report.Add(stream, "it is %s, and its reservation is refunded", p.State.Status)
	}
}

// checkPaid reports tickets that are not paid, unless they are free.
func (l *Log) checkPaid(id string, r *Reservation, report *Report) {
	ended := r.State.Status == reservation.Completed || r.State.Status == reservation.Refunded
	if !ended && r.State.Status != reservation.PaymentPending {
		return
	}
	if r.State.PaymentID == "" {
		if r.State.Total.Minor != 0 {
			report.Add(reservation.Stream(id), "it is %s, costs %s and has no payment", r.State.Status, r.State.Total)
		}
		return
	}
	p := l.Payments[r.State.PaymentID]
	switch {
	case p == nil || (!p.Broken && p.State.ReservationID != id):
		report.Add(reservation.Stream(id), "its payment %s is of another reservation", r.State.PaymentID)
	case ended && !p.Broken && p.State.CompletedAt == nil:
		report.Add(reservation.Stream(id), "it is %s, and its payment is %s", r.State.Status, p.State.Status)
	}
}
