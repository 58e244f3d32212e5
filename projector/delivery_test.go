package projector

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/testenv"
)

// eventuallyBlocked waits until a statement waits for a lock.
func (w *world) eventuallyBlocked() {
	w.t.Helper()
	testenv.Eventually(w.t, testenv.Patience, func() (bool, string) {
		var blocked bool
		err := w.cfg.Read.QueryRow(w.t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&blocked)
		require.NoError(w.t, err)
		return blocked, "nobody waits for a lock"
	})
}

// season is purchases of all kinds, and what they come to: counted while they are made up, by nothing of the projections' code.
type season struct {
	w      *world
	random *rand.Rand
	spent  map[string]int64 // by customer, what was given back taken off
	net    map[string]int64 // by event and day
	sold   map[string]int64 // tickets by section
}

func (s *season) purchase(i int) {
	id, customer := strconv.Itoa(i), "usr_"+strconv.Itoa(s.random.IntN(5))
	sections := []string{"floor", "stalls", "lawn"}
	r := initiated(customer)
	r.EventID, r.Seats, r.Total = "evt_"+strconv.Itoa(s.random.IntN(3)), nil, eur(0)
	counts := map[string]int64{}
	for range 1 + s.random.IntN(4) {
		seat := reservation.Seat{Section: sections[s.random.IntN(3)], Price: eur(1 + s.random.Int64N(9999))}
		r.Seats, r.Total = append(r.Seats, seat), eur(r.Total.Minor+seat.Price.Minor)
		counts[r.EventID+" "+seat.Section]++
	}
	p := paid()
	p.ReservationID, p.CustomerID, p.EventID, p.Amount = "rsv_"+id, customer, r.EventID, r.Total
	declined := []any{p, payment.PaymentFailed{FailedAt: noon}}
	s.w.log.Append(s.w.t, "payment-pay_"+id+"a", declined...)
	s.w.log.Append(s.w.t, "reservation-rsv_"+id, r, reservation.PaymentRequested{PaymentID: "pay_" + id + "a"},
		reservation.PaymentAttemptFailed{PaymentID: "pay_" + id + "a"}, reservation.PaymentRequested{PaymentID: "pay_" + id})
	s.w.log.Append(s.w.t, "payment-pay_"+id, p, payment.PaymentProcessing{}, payment.PaymentCompleted{CompletedAt: noon})
	s.spent[customer] += r.Total.Minor

	late := s.random.IntN(4) == 0
	if late {
		s.w.log.Append(s.w.t, "reservation-rsv_"+id, reservation.ReservationExpired{ExpiredAt: noon})
		s.w.log.Append(s.w.t, "payment-pay_"+id, refundOf(r.Total.Minor, nextDay))
		s.spent[customer] -= r.Total.Minor
		return
	}
	s.w.log.Append(s.w.t, "reservation-rsv_"+id, reservation.ReservationCompleted{PaymentID: "pay_" + id, CompletedAt: noon})
	s.net[r.EventID+" 2026-11-23"] += r.Total.Minor
	left := r.Total.Minor
	for left > 0 && s.random.IntN(3) > 0 {
		part := 1 + s.random.Int64N(left)
		left -= part
		when := noon.Add(time.Duration(s.random.IntN(3)) * 24 * time.Hour)
		s.w.log.Append(s.w.t, "payment-pay_"+id, payment.RefundRequested{RefundID: "rfd", Amount: eur(part)}, refundOf(part, when))
		s.net[r.EventID+" "+when.Format(time.DateOnly)] -= part
		s.spent[customer] -= part
	}
	if left == 0 {
		s.w.log.Append(s.w.t, "reservation-rsv_"+id, reservation.ReservationRefunded{PaymentID: "pay_" + id, RefundedAt: noon})
		return
	}
	for section, count := range counts {
		s.sold[section] += count
	}
}

// However delivery cuts, repeats and disorders the records of reservations and payments, sums are the same.
func TestSumsBearAnyDelivery(t *testing.T) {
	w := newWorld(t)
	s := season{w: w, random: rand.New(rand.NewPCG(3, 4)), spent: map[string]int64{}, net: map[string]int64{}, sold: map[string]int64{}}
	for i := range 40 {
		s.purchase(i)
	}
	records := w.records("reservation", "payment")
	projected := []string{"sales", "customers"}
	for done := 0; done < len(records); done += s.random.IntN(12) {
		part := append([]Record(nil), records[max(0, done-s.random.IntN(30)):min(done+12, len(records))]...)
		if s.random.IntN(2) == 0 {
			s.random.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
		}
		for _, name := range projected {
			w.project(name, part...)
		}
	}
	for _, name := range projected {
		w.project(name, records...)
	}
	s.require(t)

	wantSales, wantSections, wantDeeds := w.sales(), w.sectionSales(), w.history()
	for _, name := range projected {
		require.NoError(t, Rebuild(t.Context(), w.cfg, name))
		letters, err := DeadLetters(t.Context(), w.cfg, name)
		require.NoError(t, err)
		require.Empty(t, letters)
	}
	require.Equal(t, wantSales, w.sales(), "in order it comes to the same, to the cent")
	require.Equal(t, wantSections, w.sectionSales())
	require.Equal(t, wantDeeds, w.history())
	s.require(t)
}

func (s *season) require(t *testing.T) {
	t.Helper()
	spent, net, tickets := map[string]int64{}, map[string]int64{}, map[string]int64{}
	for _, row := range s.w.spend() {
		spent[row.CustomerID] = row.Net
	}
	for _, row := range s.w.sales() {
		net[row.EventID+" "+row.Day] += row.Net
	}
	for _, row := range s.w.sectionSales() {
		if row.Tickets != 0 {
			tickets[row.EventID+" "+row.Section] = row.Tickets
		}
	}
	require.Equal(t, s.spent, spent)
	for key, want := range s.net {
		require.Equal(t, want, net[key], key)
	}
	require.Equal(t, s.sold, tickets)
	held := int64(0)
	for _, row := range s.w.customers() {
		held += row.Tickets
	}
	for _, count := range s.sold {
		held -= count
	}
	require.Zero(t, held, "customers hold what sections have sold")
}
