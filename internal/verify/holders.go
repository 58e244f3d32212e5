package verify

import (
	"fmt"
	"slices"
	"strings"

	"ticketing/command/event"       //nolint:depguard // as in verify.go
	"ticketing/command/inventory"   //nolint:depguard // as in verify.go
	"ticketing/command/reservation" //nolint:depguard // as in verify.go
)

// Check says which invariants do not hold. windingUp tells of a cancelled event, and the position of its cancellation, whether what it
// means for reservations may not have been done yet.
func (l *Log) Check(windingUp func(eventID string, cancelledAt int64) bool, found *Report) {
	for _, id := range sorted(l.inventories) {
		l.checkInventory(id, found)
	}
	for _, id := range sorted(l.reservations) {
		l.checkReservation(id, found)
	}
	l.checkMoney(found)
	l.checkCancelled(windingUp, found)
}

// count is what the holdings of an inventory come to in one section.
type count struct{ reserved, sold int }

// checkInventory counts again who holds what: available + reserved + sold is the capacity, and a seat has one holder.
func (l *Log) checkInventory(eventID string, found *Report) {
	s, stream := l.inventories[eventID], inventory.Stream(eventID)
	if s.broken {
		return
	}
	if o := l.events[eventID]; o == nil {
		found.broken(stream, "there is no such event")
	}
	counts, holders := map[string]count{}, map[string]string{}
	for _, id := range sorted(s.state.Holdings) {
		h := s.state.Holdings[id]
		if r := l.reservations[id]; r == nil || (!r.broken && r.state.EventID != eventID) {
			found.broken(stream, "reservation %s holds seats and is none of this event", id)
		}
		for _, item := range h.Items {
			c := counts[item.Section]
			if h.Sold {
				c.sold += item.Quantity
			} else {
				c.reserved += item.Quantity
			}
			counts[item.Section] = c
			for _, label := range item.Labels {
				seat := item.Section + " " + label
				if other, taken := holders[seat]; taken {
					found.broken(stream, "seat %s has two holders, %s and %s", seat, other, id)
				}
				holders[seat] = id
			}
		}
	}
	for _, section := range s.state.Sections {
		checkSection(stream, section, s.state, counts[section.Name], holders, found)
	}
}

func checkSection(stream string, s *inventory.Section, state inventory.State, want count, holders map[string]string, found *Report) {
	if s.Reserved != want.reserved || s.Sold != want.sold {
		found.broken(stream, "section %q has %d reserved and %d sold, and its holders have %d and %d", s.Name, s.Reserved, s.Sold, want.reserved, want.sold)
	}
	if available := s.Available(); available < 0 || s.Reserved < 0 || s.Sold < 0 || available+s.Reserved+s.Sold != s.Capacity {
		found.broken(stream, "section %q has %d available, %d reserved and %d sold of %d", s.Name, available, s.Reserved, s.Sold, s.Capacity)
	}
	for _, row := range s.Rows {
		for i, status := range row.Seats {
			seat := fmt.Sprintf("%s %s-%d", s.Name, row.Name, i+1)
			want := inventory.Available
			if id, held := holders[seat]; held {
				want = inventory.Reserved
				if state.Holdings[id].Sold {
					want = inventory.Sold
				}
			}
			if status != want {
				found.broken(stream, "seat %s is %s, and by its holder it is %s", seat, status, want)
			}
		}
	}
}

// checkReservation wants the inventory to give each reservation exactly what it says it has.
func (l *Log) checkReservation(id string, found *Report) {
	r, stream := l.reservations[id], reservation.Stream(id)
	if r.broken {
		return
	}
	if o := l.events[r.state.EventID]; o == nil {
		found.broken(stream, "there is no event %s", r.state.EventID)
	}
	var total int64
	for _, seat := range r.state.Seats {
		total += seat.Price.Minor
		if seat.Price.Currency != r.state.Total.Currency {
			found.broken(stream, "a seat costs %s and the total is in %s", seat.Price, r.state.Total.Currency)
		}
	}
	if total != r.state.Total.Minor {
		found.broken(stream, "its seats cost %d and its total is %d", total, r.state.Total.Minor)
	}
	s := l.inventories[r.state.EventID]
	if s == nil {
		found.broken(stream, "there is no inventory of event %s", r.state.EventID)
		return
	}
	if s.broken {
		return
	}
	held, holds := s.state.Holdings[id]
	sold := r.state.Status == reservation.Completed
	switch {
	case holds != (sold || r.state.Holding()):
		found.broken(stream, "it is %s, and the inventory gives it %d tickets", r.state.Status, len(places(held.Items)))
	case holds && held.Sold != sold:
		found.broken(stream, "it is %s, and in the inventory its seats are sold: %t", r.state.Status, held.Sold)
	case holds && held.CustomerID != r.state.CustomerID:
		found.broken(stream, "it is %s's, and in the inventory %s's", r.state.CustomerID, held.CustomerID)
	case holds && !slices.Equal(places(held.Items), tickets(r.state.Seats)):
		found.broken(stream, "it has %s, and in the inventory %s",
			strings.Join(tickets(r.state.Seats), ", "), strings.Join(places(held.Items), ", "))
	}
}

// places names what is held, ticket by ticket, sorted.
func places(items []inventory.Item) []string {
	var all []string
	for _, item := range items {
		for i := range item.Quantity {
			label := ""
			if i < len(item.Labels) {
				label = item.Labels[i]
			}
			all = append(all, strings.TrimSpace(item.Section+" "+label))
		}
	}
	slices.Sort(all)
	return all
}

// tickets names what a reservation has as places does.
func tickets(seats []reservation.Seat) []string {
	all := make([]string, len(seats))
	for i, seat := range seats {
		all[i] = strings.TrimSpace(seat.Section + " " + seat.Label)
	}
	slices.Sort(all)
	return all
}

// checkCancelled wants nobody to be left with a hold on, or an unrefunded ticket of, an event that was cancelled and wound up.
func (l *Log) checkCancelled(windingUp func(eventID string, cancelledAt int64) bool, found *Report) {
	for _, id := range sorted(l.reservations) {
		r := l.reservations[id]
		o := l.events[r.state.EventID]
		if r.broken || o == nil || o.broken || o.state.Status != event.Cancelled || windingUp(r.state.EventID, o.position) {
			continue
		}
		switch p := l.payments[r.state.PaymentID]; {
		case r.state.Holding():
			found.broken(reservation.Stream(id), "it is %s, and its event was cancelled and wound up", r.state.Status)
		case r.state.Status != reservation.Completed:
		case p == nil || (!p.broken && p.state.RefundableMinor() > 0 && !p.refused()):
			found.broken(reservation.Stream(id), "its event was cancelled and wound up, and no refund was requested")
		}
	}
}
