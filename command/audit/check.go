package audit

import (
	"maps"
	"slices"

	"ticketing/command/event"
	"ticketing/command/reservation"
)

// WindingUp reports whether the reservations of an event may still have to be ended because of its cancellation at a position.
type WindingUp func(eventID string, cancelledAt int64) bool

// Check reports which invariants do not hold.
func (l *Log) Check(windingUp WindingUp, report *Report) {
	for _, id := range sortedKeys(l.Inventories) {
		l.checkInventory(id, report)
	}
	for _, id := range sortedKeys(l.Reservations) {
		l.checkReservation(id, report)
	}
	l.checkMoney(report)
	l.checkCancelledEvents(windingUp, report)
}

// checkCancelledEvents reports unpaid holds and unrefunded tickets of events that were cancelled and wound up.
func (l *Log) checkCancelledEvents(windingUp WindingUp, report *Report) {
	for _, id := range sortedKeys(l.Reservations) {
		r := l.Reservations[id]
		e := l.Events[r.State.EventID]
		if r.Broken || e == nil || e.Broken || e.State.Status != event.Cancelled || windingUp(r.State.EventID, e.Position) {
			continue
		}
		switch p := l.Payments[r.State.PaymentID]; {
		case r.State.Holding():
			report.add(reservation.Stream(id), "it is %s, and its event was cancelled and wound up", r.State.Status)
		case r.State.Status != reservation.Completed:
		case p == nil || (!p.Broken && p.State.RefundableMinor() > 0 && !p.refused()):
			report.add(reservation.Stream(id), "its event was cancelled and wound up, and no refund was requested")
		}
	}
}

// sortedKeys returns the keys of a map in order, so that two runs report the same in the same order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
