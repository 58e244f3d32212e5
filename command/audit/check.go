package audit

import (
	"maps"
	"slices"

	"ticketing/command/event"
	"ticketing/command/reservation"
)

// WindingUp reports whether the reservations of an event may still have to be ended because of its cancellation at a position.
type WindingUp func(eventID string, cancelledAt int64) bool

// Check reports which invariants do not hold in a log that was read as a whole.
func (l *Log) Check(windingUp WindingUp, report *Report) {
	l.CheckReservations(windingUp, report)
	l.CheckInventories(report)
	report.CheckMoney()
}

// CheckReservations reports which invariants of the reservations and payments do not hold, and adds their money to the report. Their
// events and inventories have to be read to the same position.
func (l *Log) CheckReservations(windingUp WindingUp, report *Report) {
	for _, id := range sortedKeys(l.Reservations) {
		l.checkReservation(id, report)
		l.noteHolder(id)
	}
	l.addMoney(report)
	l.checkCancelledEvents(windingUp, report)
}

// CheckInventories reports which invariants of the inventories do not hold. All reservations of their events have to be checked before.
func (l *Log) CheckInventories(report *Report) {
	for _, id := range sortedKeys(l.Inventories) {
		l.checkInventory(id, report)
		l.Inventories[id].checked = nil
	}
}

// noteHolder notes in the inventory that a reservation that may hold seats of it was checked.
func (l *Log) noteHolder(id string) {
	r := l.Reservations[id]
	if !r.Broken {
		l.Inventories[r.State.EventID].noteHolder(id)
		return
	}
	for _, s := range l.Inventories { // its event may not be known
		s.noteHolder(id)
	}
}

func (i *Inventory) noteHolder(id string) {
	if i == nil {
		return
	}
	if _, holds := i.State.Holdings[id]; holds {
		if i.checked == nil {
			i.checked = map[string]bool{}
		}
		i.checked[id] = true
	}
}

// checkCancelledEvents reports unpaid reservations and unrefunded tickets of events that were cancelled and wound up.
func (l *Log) checkCancelledEvents(windingUp WindingUp, report *Report) {
	for _, id := range sortedKeys(l.Reservations) {
		r := l.Reservations[id]
		e := l.Events[r.State.EventID]
		if r.Broken || e == nil || e.Broken || e.State.Status != event.Cancelled || windingUp(r.State.EventID, e.Position) {
			continue
		}
		switch p := l.Payments[r.State.PaymentID]; {
		case r.State.Holding():
			report.Add(reservation.Stream(id), "it is %s, and its event was cancelled and wound up", r.State.Status)
		case r.State.Status != reservation.Completed:
		case p == nil || (!p.Broken && p.State.RefundableMinor() > 0 && !p.refused() && !p.State.Disputed()):
			report.Add(reservation.Stream(id), "its event was cancelled and wound up, and no refund was requested")
		}
	}
}

// sortedKeys returns the keys of a map in order, so that two runs report the same in the same order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
