package audit

import (
	"slices"
	"strings"

	"ticketing/command/inventory"
	"ticketing/command/reservation"
)

// count is the sum of the holdings of one section.
type count struct{ reserved, sold int }

// checkInventory counts the holdings again: available + reserved + sold is the capacity, and a seat has one holder.
func (l *Log) checkInventory(eventID string, report *Report) {
	s, stream := l.Inventories[eventID], inventory.Stream(eventID)
	if s.Broken {
		return
	}
	if l.Events[eventID] == nil {
		report.Add(stream, "there is no such event")
	}
	counts, holders := map[string]count{}, map[string]string{}
	for _, id := range sortedKeys(s.State.Holdings) {
		h := s.State.Holdings[id]
		if !s.checked[id] {
			report.Add(stream, "reservation %s holds seats and is not one of this event", id)
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
					report.Add(stream, "seat %s has two holders, %s and %s", seat, other, id)
				}
				holders[seat] = id
			}
		}
	}
	for _, section := range s.State.Sections {
		checkSection(stream, section, s.State, counts[section.Name], holders, report)
	}
}

func checkSection(stream string, s *inventory.Section, state inventory.State, want count, holders map[string]string, report *Report) {
	if s.Reserved != want.reserved || s.Sold != want.sold {
		report.Add(stream, "section %q has %d reserved and %d sold, and its holders have %d and %d", s.Name, s.Reserved, s.Sold, want.reserved, want.sold)
	}
	if available := s.Available(); available < 0 || s.Reserved < 0 || s.Sold < 0 || s.Blocked < 0 || available+s.Reserved+s.Sold+s.Blocked != s.Capacity {
		report.Add(stream, "section %q has %d available, %d reserved, %d sold and %d blocked of %d", s.Name, available, s.Reserved, s.Sold, s.Blocked, s.Capacity)
	}
	for _, row := range s.Rows {
		for i, status := range row.Seats {
			seat := s.Name + " " + row.Label(i)
			want := inventory.Available
			if id, held := holders[seat]; held {
				want = inventory.Reserved
				if state.Holdings[id].Sold {
					want = inventory.Sold
				}
			}
			if status != want && (status != inventory.Blocked || want != inventory.Available) {
				report.Add(stream, "seat %s is %s, and by its holder it is %s", seat, status, want)
			}
		}
	}
}

// checkReservation reports a reservation whose seats are not exactly those that the inventory has for it.
func (l *Log) checkReservation(id string, report *Report) {
	r, stream := l.Reservations[id], reservation.Stream(id)
	if r.Broken {
		return
	}
	if l.Events[r.State.EventID] == nil {
		report.Add(stream, "there is no event %s", r.State.EventID)
	}
	var total int64
	for _, seat := range r.State.Seats {
		total += seat.Price.Minor
		if seat.Price.Currency != r.State.Total.Currency {
			report.Add(stream, "a seat costs %s and the total is in %s", seat.Price, r.State.Total.Currency)
		}
	}
	if total != r.State.Total.Minor {
		report.Add(stream, "its seats cost %d and its total is %d", total, r.State.Total.Minor)
	}
	s := l.Inventories[r.State.EventID]
	if s == nil {
		report.Add(stream, "there is no inventory of event %s", r.State.EventID)
		return
	}
	if s.Broken {
		return
	}
	held, holds := s.State.Holdings[id]
	sold := r.State.Status == reservation.Completed
	switch {
	case holds != (sold || r.State.Holding()):
		report.Add(stream, "it is %s, and the inventory gives it %d tickets", r.State.Status, len(places(held.Items)))
	case holds && held.Sold != sold:
		report.Add(stream, "it is %s, and in the inventory its seats are sold: %t", r.State.Status, held.Sold)
	case holds && held.CustomerID != r.State.CustomerID:
		report.Add(stream, "it is %s's, and in the inventory %s's", r.State.CustomerID, held.CustomerID)
	case holds && !slices.Equal(places(held.Items), tickets(r.State.KeptSeats())):
		report.Add(stream, "it has %s, and in the inventory %s",
			strings.Join(tickets(r.State.KeptSeats()), ", "), strings.Join(places(held.Items), ", "))
	}
}

// places returns what is held, ticket by ticket, sorted.
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

// tickets returns what a reservation has, as places does.
func tickets(seats []reservation.Seat) []string {
	all := make([]string, len(seats))
	for i, seat := range seats {
		all[i] = strings.TrimSpace(seat.Section + " " + seat.Label)
	}
	slices.Sort(all)
	return all
}
