package projector_test

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/projector"
	"ticketing/projector/customers"
	"ticketing/projector/projection"
	"ticketing/projector/readtest"
	"ticketing/projector/sales"
)

// season is purchases of all kinds, and their sums, which are counted without the projections' code.
type season struct {
	w      *readtest.World
	random *rand.Rand
	spent  map[string]int64 // by customer, what was given back taken off
	net    map[string]int64 // by event and day
	sold   map[string]int64 // tickets by section
}

func (s *season) purchase(i int) {
	id, customer := strconv.Itoa(i), "usr_"+strconv.Itoa(s.random.IntN(5))
	sections := []string{"floor", "stalls", "lawn"}
	r := readtest.Initiated(customer)
	r.EventID, r.Seats, r.Total = "evt_"+strconv.Itoa(s.random.IntN(3)), nil, readtest.EUR(0)
	counts := map[string]int64{}
	for range 1 + s.random.IntN(4) {
		seat := reservation.Seat{Section: sections[s.random.IntN(3)], Price: readtest.EUR(1 + s.random.Int64N(9999))}
		r.Seats, r.Total = append(r.Seats, seat), readtest.EUR(r.Total.Minor+seat.Price.Minor)
		counts[r.EventID+" "+seat.Section]++
	}
	p := readtest.PaymentInitiated()
	p.ReservationID, p.CustomerID, p.EventID, p.Amount = "rsv_"+id, customer, r.EventID, r.Total
	declined := []any{p, payment.PaymentFailed{FailedAt: readtest.Noon}}
	s.w.Append("payment-pay_"+id+"a", declined...)
	s.w.Append("reservation-rsv_"+id, r, reservation.PaymentRequested{PaymentID: "pay_" + id + "a"},
		reservation.PaymentAttemptFailed{PaymentID: "pay_" + id + "a"}, reservation.PaymentRequested{PaymentID: "pay_" + id})
	s.w.Append("payment-pay_"+id, p, payment.PaymentProcessing{}, payment.PaymentCompleted{CompletedAt: readtest.Noon})
	s.spent[customer] += r.Total.Minor

	late := s.random.IntN(4) == 0
	if late {
		s.w.Append("reservation-rsv_"+id, reservation.ReservationExpired{ExpiredAt: readtest.Noon})
		s.w.Append("payment-pay_"+id, readtest.Refunded(r.Total.Minor, readtest.NextDay))
		s.spent[customer] -= r.Total.Minor
		return
	}
	s.w.Append("reservation-rsv_"+id, reservation.ReservationCompleted{PaymentID: "pay_" + id, CompletedAt: readtest.Noon})
	s.net[r.EventID+" 2026-11-23"] += r.Total.Minor
	left := r.Total.Minor
	for left > 0 && s.random.IntN(3) > 0 {
		part := 1 + s.random.Int64N(left)
		left -= part
		when := readtest.Noon.Add(time.Duration(s.random.IntN(3)) * 24 * time.Hour)
		s.w.Append("payment-pay_"+id, payment.RefundRequested{RefundID: "rfd", Amount: readtest.EUR(part)}, readtest.Refunded(part, when))
		s.net[r.EventID+" "+when.Format(time.DateOnly)] -= part
		s.spent[customer] -= part
	}
	if left == 0 {
		s.w.Append("reservation-rsv_"+id, reservation.ReservationRefunded{PaymentID: "pay_" + id, RefundedAt: readtest.Noon})
		return
	}
	for section, count := range counts {
		s.sold[section] += count
	}
}

// However delivery cuts, repeats and disorders the records of reservations and payments, the sums are the same.
func TestSumsBearAnyDelivery(t *testing.T) {
	w := readtest.New(t)
	s := season{w: w, random: rand.New(rand.NewPCG(3, 4)), spent: map[string]int64{}, net: map[string]int64{}, sold: map[string]int64{}}
	for i := range 40 {
		s.purchase(i)
	}
	records := w.Records("reservation", "payment")
	projected := []projection.Projection{sales.Projection{}, customers.Projection{}}
	for done := 0; done < len(records); done += s.random.IntN(12) {
		part := append([]projection.Record(nil), records[max(0, done-s.random.IntN(30)):min(done+12, len(records))]...)
		if s.random.IntN(2) == 0 {
			s.random.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
		}
		for _, p := range projected {
			w.Project(p, part...)
		}
	}
	for _, p := range projected {
		w.Project(p, records...)
	}
	s.require(t)

	wantSales, wantSections, wantHistory := w.Sales(), w.SectionSales(), w.CustomerHistory()
	for _, p := range projected {
		require.NoError(t, projector.Rebuild(t.Context(), configOf(w), p.Name()))
		require.Empty(t, w.DeadLetters(p))
	}
	require.Equal(t, wantSales, w.Sales(), "in order the sums are the same, to the cent")
	require.Equal(t, wantSections, w.SectionSales())
	require.Equal(t, wantHistory, w.CustomerHistory())
	s.require(t)
}

func (s *season) require(t *testing.T) {
	t.Helper()
	spent, net, tickets := map[string]int64{}, map[string]int64{}, map[string]int64{}
	for _, row := range s.w.CustomerSpend() {
		spent[row.CustomerID] = row.Net
	}
	for _, row := range s.w.Sales() {
		net[row.EventID+" "+row.Day] += row.Net
	}
	for _, row := range s.w.SectionSales() {
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
	for _, row := range s.w.Customers() {
		held += row.Tickets
	}
	for _, count := range s.sold {
		held -= count
	}
	require.Zero(t, held, "customers hold what sections have sold")
}
