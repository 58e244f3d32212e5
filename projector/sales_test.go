package projector

import (
	"math"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"ticketing/command/payment"
	"ticketing/command/reservation"
)

// sold is a row of the table sales.
type sold struct {
	EventID, Section, Day, Currency string
	Sold, Returned, Gross, Refunded int64
	Tickets, Net                    int64
}

func (w *world) sales() []sold {
	w.t.Helper()
	return rowsOf[sold](w, `SELECT event_id, section, day::text, currency, sold, returned, gross, refunded, tickets, net
		FROM sales ORDER BY event_id, section, day`)
}

func (w *world) sectionSales() []sold {
	w.t.Helper()
	return rowsOf[sold](w, `SELECT event_id, section, '' AS day, currency, sold, returned, gross, refunded, tickets, net
		FROM section_sales ORDER BY event_id, section`)
}

func rowsOf[R any](w *world, query string) []R {
	w.t.Helper()
	rows, err := w.cfg.Read.Query(w.t.Context(), query)
	require.NoError(w.t, err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[R])
	require.NoError(w.t, err)
	return all
}

// nextDay is noon's.
var nextDay = noon.Add(24 * time.Hour)

// mixed is a reservation of three tickets in two sections.
func mixed() reservation.ReservationInitiated {
	e := initiated("usr_1")
	e.Seats = []reservation.Seat{
		{Section: "floor", Price: eur(3333)}, {Section: "stalls", Label: "A-1", Price: eur(5000)}, {Section: "floor", Price: eur(3333)},
	}
	e.Total = eur(11666)
	return e
}

func refundOf(minor int64, when time.Time) payment.PaymentRefunded {
	return payment.PaymentRefunded{RefundID: "rfd", Amount: eur(minor), RefundedAt: when}
}

func TestSalesByEventSectionAndDay(t *testing.T) {
	w := newWorld(t)
	lateInTheDay := time.Date(2026, 11, 24, 1, 30, 0, 0, time.FixedZone("", 2*3600)) // 23 November in UTC
	w.log.Append(t, "reservation-rsv_1", mixed(), reservation.PaymentRequested{PaymentID: "pay_1"},
		reservation.ReservationCompleted{PaymentID: "pay_1", CompletedAt: lateInTheDay})
	w.log.Append(t, "payment-pay_1", paid(), payment.PaymentCompleted{CompletedAt: noon}, refundOf(1000, noon), refundOf(1, nextDay))
	w.log.Append(t, "reservation-rsv_2", mixed(), reservation.ReservationCancelled{CancelledAt: noon})
	w.project("sales", w.records("reservation", "payment")...)

	// 1000 of 11666 are 571.4 and 428.6; the cent of the next day goes where more is left.
	require.Equal(t, []sold{
		{EventID: "evt_1", Section: "floor", Day: "2026-11-23", Currency: "EUR", Sold: 2, Gross: 6666, Refunded: 571, Tickets: 2, Net: 6095},
		{EventID: "evt_1", Section: "floor", Day: "2026-11-24", Currency: "EUR", Refunded: 1, Net: -1},
		{EventID: "evt_1", Section: "stalls", Day: "2026-11-23", Currency: "EUR", Sold: 1, Gross: 5000, Refunded: 429, Tickets: 1, Net: 4571},
		{EventID: "evt_1", Section: "stalls", Day: "2026-11-24", Currency: "EUR"},
	}, w.sales())

	// The rest takes back exactly what each section cost, and with it the tickets.
	w.log.Append(t, "payment-pay_1", refundOf(10665, nextDay))
	w.log.Append(t, "reservation-rsv_1", reservation.ReservationRefunded{PaymentID: "pay_1", RefundedAt: nextDay})
	w.project("sales", w.records("reservation", "payment")...)
	require.Equal(t, []sold{
		{EventID: "evt_1", Section: "floor", Currency: "EUR", Sold: 2, Returned: 2, Gross: 6666, Refunded: 6666},
		{EventID: "evt_1", Section: "stalls", Currency: "EUR", Sold: 1, Returned: 1, Gross: 5000, Refunded: 5000},
	}, w.sectionSales())
	require.Equal(t, sold{
		EventID: "evt_1", Section: "floor", Day: "2026-11-24", Currency: "EUR", Returned: 2, Refunded: 6095, Tickets: -2, Net: -6095,
	}, w.sales()[1])
}

// The money of a payment that completed nothing was never a sale's; and what was free has no payment.
func TestSalesCountOnlyWhatCompletedAReservation(t *testing.T) {
	w := newWorld(t)
	free := initiated("usr_1")
	free.Seats, free.Total = []reservation.Seat{{Section: "lawn", Price: eur(0)}}, eur(0)
	w.log.Append(t, "reservation-rsv_1", initiated("usr_1"), reservation.ReservationExpired{ExpiredAt: noon})
	w.log.Append(t, "payment-pay_1", paid(), payment.PaymentCompleted{CompletedAt: noon}, refundOf(5000, noon))
	w.log.Append(t, "reservation-rsv_2", free, reservation.ReservationCompleted{CompletedAt: noon})
	w.project("sales", w.records("reservation", "payment")...)
	require.Equal(t, []sold{{EventID: "evt_1", Section: "lawn", Currency: "EUR", Sold: 1, Tickets: 1}}, w.sectionSales())
}

// Whichever of the two streams comes first, and with it whichever row is made first.
func TestRefundsCountInAnyOrder(t *testing.T) {
	for name, order := range map[string][]int{
		"reservation first": {0, 1, 2, 3}, "payment first": {2, 3, 0, 1}, "refund in between": {0, 2, 3, 1}, "only the last ones": {1, 3},
		"only the last ones, the other way round": {3, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.log.Append(t, "reservation-rsv_1", mixed(), reservation.ReservationCompleted{PaymentID: "pay_1", CompletedAt: noon})
			w.log.Append(t, "payment-pay_1", paid(), refundOf(11666, nextDay))
			records := w.records("reservation", "payment")
			for _, i := range order {
				w.project("sales", records[i])
			}
			require.Equal(t, []sold{
				{EventID: "evt_1", Section: "floor", Currency: "EUR", Sold: 2, Gross: 6666, Refunded: 6666, Tickets: 2},
				{EventID: "evt_1", Section: "stalls", Currency: "EUR", Sold: 1, Gross: 5000, Refunded: 5000, Tickets: 1},
			}, w.sectionSales())
		})
	}
}

// Two members that were given the two streams, and read before either has written: one of them has to begin again.
func TestRefundBesideTheCompletionIsNotLost(t *testing.T) {
	w := newWorld(t)
	w.log.Append(t, "reservation-rsv_1", mixed(), reservation.ReservationCompleted{PaymentID: "pay_1", CompletedAt: noon})
	w.log.Append(t, "payment-pay_1", paid(), refundOf(11666, nextDay))
	records := w.records("reservation", "payment")
	w.project("sales", records[0], records[2])

	first, err := w.cfg.Read.Begin(t.Context())
	require.NoError(t, err)
	defer first.Rollback(t.Context())
	_, err = sales{}.Apply(t.Context(), first, records[1:2])
	require.NoError(t, err)
	second := make(chan error)
	go func() {
		second <- pgx.BeginFunc(t.Context(), w.cfg.Read, func(tx pgx.Tx) error {
			_, err := sales{}.Apply(t.Context(), tx, records[3:])
			return err
		})
	}()
	w.eventuallyBlocked()
	require.NoError(t, first.Commit(t.Context()))
	require.ErrorIs(t, <-second, errFenced)
	w.project("sales", records[3])
	require.Equal(t, []int64{6666, 5000}, []int64{w.sectionSales()[0].Refunded, w.sectionSales()[1].Refunded})
}

func TestImpossibleSalesAreDeadLetters(t *testing.T) {
	completed := reservation.ReservationCompleted{PaymentID: "pay_1", CompletedAt: noon}
	for name, last := range map[string]any{
		"sold twice":             completed,
		"returned before it was": reservation.ReservationRefunded{RefundedAt: noon},
		"made twice":             mixed(),
		"none of its":            payment.PaymentCompleted{},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.log.Append(t, "reservation-rsv_1", mixed())
			if name == "sold twice" {
				w.log.Append(t, "reservation-rsv_1", completed)
			}
			w.log.Append(t, "reservation-rsv_1", last)
			w.project("sales", w.records("reservation", "payment")...)
			letters, err := DeadLetters(t.Context(), w.cfg, "sales")
			require.NoError(t, err)
			require.Len(t, letters, 1)
		})
	}
	t.Run("more given back than taken", func(t *testing.T) {
		w := newWorld(t)
		w.log.Append(t, "reservation-rsv_1", mixed(), completed)
		w.log.Append(t, "payment-pay_1", paid(), refundOf(11667, noon))
		w.project("sales", w.records("reservation", "payment")...)
		letters, err := DeadLetters(t.Context(), w.cfg, "sales")
		require.NoError(t, err)
		require.Len(t, letters, 1)
		require.Equal(t, "payment-pay_1", letters[0].StreamID)
	})
}

func TestSharesAddUp(t *testing.T) {
	for _, c := range []struct {
		amount  int64
		weights []int64
		want    []int64
	}{
		{0, []int64{0, 0}, []int64{0, 0}},
		{1, []int64{1, 1, 1}, []int64{1, 0, 0}},
		{2, []int64{1, 1, 1}, []int64{1, 1, 0}},
		{10, []int64{1, 2, 7}, []int64{1, 2, 7}},
		{100, []int64{333, 333, 334}, []int64{33, 33, 34}},
		{7, []int64{0, 5, 5}, []int64{0, 4, 3}},
		{math.MaxInt64, []int64{math.MaxInt64 - 1, 1}, []int64{math.MaxInt64 - 1, 1}},
		{math.MaxInt64 - 1, []int64{math.MaxInt64 - 1, 1}, []int64{math.MaxInt64 - 2, 1}},
	} {
		got, err := proportionate(c.amount, c.weights)
		require.NoError(t, err)
		require.Equal(t, c.want, got, "%d of %v", c.amount, c.weights)
	}
	_, err := proportionate(3, []int64{1, 1})
	require.Error(t, err)
	_, err = proportionate(-1, []int64{1, 1})
	require.Error(t, err)
}
