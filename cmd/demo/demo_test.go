package main

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"ticketing/clients/go/api"
	"ticketing/internal/buildinfo"
)

func countTickets(items []api.ReserveItemInput) (n int) {
	for _, i := range items {
		n += len(i.Seats)
		if i.Quantity != nil {
			n += *i.Quantity
		}
	}
	return n
}

func TestCustomersWantMoreThanThereIs(t *testing.T) {
	t.Parallel()
	for _, customers := range []int{1, 2, 5, 19, 20, 77, 200, 1000} {
		wanted := 0
		plans := makePlans(customers, time.Second)
		for _, p := range plans {
			n := countTickets(p.items)
			require.True(t, n >= 1 && n <= 8)
			wanted += n
		}
		if customers >= 20 {
			require.Greater(t, wanted, floorCapacity(customers)+balconyRows(customers)*seatsPerRow, "%d customers", customers)
		}
		require.Equal(t, plans, makePlans(customers, time.Second), "each run is the same")
	}
}

func TestTheVersionIsPrintedInsteadOfPlaying(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	_, play := readOptions(&out, []string{"--version"})
	require.False(t, play)
	require.Equal(t, "demo "+buildinfo.Version()+"\n", out.String())
	o, play := readOptions(&out, []string{"-customers", "7"})
	require.True(t, play)
	require.Equal(t, 7, o.customers)
}

func TestABarIsAlwaysAsWide(t *testing.T) {
	t.Parallel()
	b := newBoard(nil, true)
	for _, s := range []api.Section{
		{Capacity: 100, Available: 100},
		{Capacity: 100, Sold: 100},
		{Capacity: 3, Sold: 1, Reserved: 1, Available: 1},
		{Capacity: 1000, Sold: 998, Reserved: 1, Available: 1},
		{Capacity: 1000, Sold: 1, Reserved: 998, Available: 1},
		{Capacity: 7, Sold: 4, Reserved: 3},
	} {
		bar := b.drawBar(s)
		require.Equal(t, 28, strings.Count(bar, "█")+strings.Count(bar, "▓")+strings.Count(bar, "░"), "%+v", s)
		require.Equal(t, s.Sold > 0, strings.Contains(bar, "█"), "%+v", s)
		require.Equal(t, s.Reserved > 0, strings.Contains(bar, "▓"), "%+v", s)
	}
}

func TestWithoutATerminalTheBoardIsOneLine(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	b := newBoard(&out, false)
	b.setPhase("on sale")
	b.sections = []api.Section{{Name: floor, Capacity: 10, Sold: 3, Reserved: 2, Available: 5}}
	b.addLatency("ReserveSeats", time.Millisecond)
	b.draw()
	require.Equal(t, 1, strings.Count(out.String(), "\n"))
	require.NotContains(t, out.String(), "\x1b")
	require.Contains(t, out.String(), "Floor 3 sold 2 reserved 5 left")
	require.True(t, utf8.ValidString(out.String()))
}

// soundSale is a small sale in which everything adds up.
func soundSale() *sale {
	euros := func(amount string) api.Money { return api.Money{Amount: amount, CurrencyCode: "EUR"} }
	seat := func(section, label string) api.ReservedSeat { return api.ReservedSeat{Section: section, Label: &label} }
	s := &sale{board: newBoard(nil, false), event: api.Event{Id: "evt_1", InventoryVersion: 9, Sections: []api.Section{
		{Name: floor, Capacity: 2, Available: 1, Sold: 1}, {Name: balcony, Capacity: 3, Available: 1, Reserved: 1, Sold: 1},
	}}}
	s.counts.receive(9, s.event)
	buyer := &customer{name: "buyer", stage: paid, plan: plan{watches: true}, reservation: api.Reservation{
		Id: "rsv_paid", Version: 3, Status: "COMPLETED", Total: euros("120.10"), Seats: []api.ReservedSeat{{Section: floor}, seat(balcony, "1-1")},
		Payments: []api.Payment{{Status: "FAILED", Amount: euros("120.10")}, {Status: "COMPLETED", Amount: euros("120.10")}},
	}}
	buyer.watch.receive(3, buyer.reservation)
	s.customers = []*customer{
		buyer,
		{name: "declined", stage: declined, reservation: api.Reservation{Id: "rsv_declined", Status: "COMPENSATED", Seats: []api.ReservedSeat{seat(balcony, "1-2")}}},
		{name: "holder", stage: holding, reservation: api.Reservation{Id: "rsv_held", Status: "SEATS_RESERVED", Seats: []api.ReservedSeat{seat(balcony, "1-2")}}},
		{name: "late", stage: soldOut},
	}
	return s
}

func contradictions(s *sale) (all []string) {
	for _, c := range s.checkClaims() {
		all = append(all, c.wrong...)
	}
	return all
}

func TestWhatDoesNotAddUpIsFound(t *testing.T) {
	t.Parallel()
	require.Empty(t, contradictions(soundSale()))
	for want, change := range map[string]func(*sale){
		"reservations have 1 sold and 0 reserved":              func(s *sale) { s.event.Sections[0].Available = 0 },
		"reservations have 1 sold and 1 reserved":              func(s *sale) { s.event.Sections[1].Sold++ },
		"Balcony 1-1 is in rsv_paid and in rsv_held":           func(s *sale) { s.customers[2].reservation.Seats[0].Label = new("1-1") },
		"120.11 in payments, 120.10 in reservations":           func(s *sale) { s.customers[0].reservation.Payments[1].Amount.Amount = "120.11" },
		"0.00 in payments, 120.10 in reservations":             func(s *sale) { s.customers[0].reservation.Payments[1].Amount.CurrencyCode = "USD" },
		`declined ended as declined (<nil>), but rsv_declined`: func(s *sale) { s.customers[1].reservation.Status = "CANCELLED" },
		`"COMPLETED" with 2 completed payments`:                func(s *sale) { s.customers[0].reservation.Payments[0].Status = "COMPLETED" },
		"buyer received version 3":                             func(s *sale) { s.customers[0].reservation.Version = 4 },
		"version 2 came after version 3": func(s *sale) {
			s.customers[0].watch.receive(2, api.Reservation{Version: 2})
		},
		"the last counts are of version 9": func(s *sale) { s.event.InventoryVersion = 10 },
	} {
		s := soundSale()
		change(s)
		require.Contains(t, strings.Join(contradictions(s), "\n"), want)
	}
}
