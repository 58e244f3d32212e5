package sales

import (
	"math"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/projector/projection"
	"ticketing/projector/readtest"
)

func TestSalesByEventSectionAndDay(t *testing.T) {
	w := readtest.New(t)
	lateInTheDay := time.Date(2026, 11, 24, 1, 30, 0, 0, time.FixedZone("", 2*3600)) // 23 November in UTC
	w.Append("reservation-rsv_1", readtest.InitiatedMixed(), reservation.PaymentRequested{PaymentID: "pay_1"},
		reservation.ReservationCompleted{PaymentID: "pay_1", CompletedAt: lateInTheDay})
	w.Append("payment-pay_1", readtest.PaymentInitiated(), payment.PaymentCompleted{CompletedAt: readtest.Noon}, readtest.Refunded(1000, readtest.Noon), readtest.Refunded(1, readtest.NextDay))
	w.Append("reservation-rsv_2", readtest.InitiatedMixed(), reservation.ReservationCancelled{CancelledAt: readtest.Noon})
	w.ProjectAll(Projection{})

	// 1000 of 11666 are 571.4 and 428.6; the cent of the next day goes where more is left.
	require.Equal(t, []readtest.Sold{
		{EventID: "evt_1", Section: "floor", Day: "2026-11-23", Currency: "EUR", Sold: 2, Gross: 6666, Refunded: 571, Tickets: 2, Net: 6095},
		{EventID: "evt_1", Section: "floor", Day: "2026-11-24", Currency: "EUR", Refunded: 1, Net: -1},
		{EventID: "evt_1", Section: "stalls", Day: "2026-11-23", Currency: "EUR", Sold: 1, Gross: 5000, Refunded: 429, Tickets: 1, Net: 4571},
		{EventID: "evt_1", Section: "stalls", Day: "2026-11-24", Currency: "EUR"},
	}, w.Sales())

	// The rest takes back exactly what each section cost, and with it the tickets.
	w.Append("payment-pay_1", readtest.Refunded(10665, readtest.NextDay))
	w.Append("reservation-rsv_1", reservation.ReservationRefunded{PaymentID: "pay_1", RefundedAt: readtest.NextDay})
	w.ProjectAll(Projection{})
	require.Equal(t, []readtest.Sold{
		{EventID: "evt_1", Section: "floor", Currency: "EUR", Sold: 2, Returned: 2, Gross: 6666, Refunded: 6666},
		{EventID: "evt_1", Section: "stalls", Currency: "EUR", Sold: 1, Returned: 1, Gross: 5000, Refunded: 5000},
	}, w.SectionSales())
	require.Equal(t, readtest.Sold{
		EventID: "evt_1", Section: "floor", Day: "2026-11-24", Currency: "EUR", Returned: 2, Refunded: 6095, Tickets: -2, Net: -6095,
	}, w.Sales()[1])
}

func TestARefundThatCameBackIsRevenueAgain(t *testing.T) {
	w := readtest.New(t)
	w.Append("reservation-rsv_1", readtest.InitiatedMixed(), reservation.ReservationCompleted{PaymentID: "pay_1", CompletedAt: readtest.Noon})
	w.Append("payment-pay_1", readtest.PaymentInitiated(), readtest.Refunded(1000, readtest.Noon), readtest.Refunded(10666, readtest.Noon),
		payment.RefundSentBack{RefundID: "rfd", Amount: readtest.EUR(1000), SentBackAt: readtest.NextDay})
	w.ProjectAll(Projection{})
	require.Equal(t, []readtest.Sold{
		{EventID: "evt_1", Section: "floor", Currency: "EUR", Sold: 2, Gross: 6666, Refunded: 6095, Tickets: 2, Net: 571},
		{EventID: "evt_1", Section: "stalls", Currency: "EUR", Sold: 1, Gross: 5000, Refunded: 4571, Tickets: 1, Net: 429},
	}, w.SectionSales())
	require.EqualValues(t, -571, w.Sales()[1].Refunded, "on the day on which it came back")
}

func TestSingleTicketsAreTakenFromTheirSections(t *testing.T) {
	w := readtest.New(t)
	stalls := payment.Ticket{Ordinal: 1, Section: "stalls", Price: readtest.EUR(5000)}
	w.Append("reservation-rsv_1", readtest.InitiatedMixed(), reservation.ReservationCompleted{PaymentID: "pay_1", CompletedAt: readtest.Noon})
	w.Append("payment-pay_1", readtest.PaymentInitiated(), readtest.Refunded(1000, readtest.Noon), // 571 of the floor, 429 of the stalls
		payment.PaymentRefunded{RefundID: "rfd_2", Amount: readtest.EUR(5000), Tickets: []payment.Ticket{stalls}, RefundedAt: readtest.NextDay})
	w.Append("reservation-rsv_1", reservation.TicketsReturned{
		PaymentID: "pay_1", RefundID: "rfd_2", Tickets: []reservation.Ticket{{Ordinal: 1, Section: "stalls"}}, ReturnedAt: readtest.NextDay,
	})
	w.ProjectAll(Projection{})
	require.Equal(t, []readtest.Sold{
		{EventID: "evt_1", Section: "floor", Currency: "EUR", Sold: 2, Gross: 6666, Refunded: 1000, Tickets: 2, Net: 5666}, // what the stalls had given already
		{EventID: "evt_1", Section: "stalls", Currency: "EUR", Sold: 1, Returned: 1, Gross: 5000, Refunded: 5000},
	}, w.SectionSales())
	w.Append("payment-pay_1", readtest.Refunded(5666, readtest.NextDay))
	w.Append("reservation-rsv_1", reservation.ReservationRefunded{PaymentID: "pay_1", RefundedAt: readtest.NextDay})
	w.ProjectAll(Projection{})
	require.Equal(t, []readtest.Sold{
		{EventID: "evt_1", Section: "floor", Currency: "EUR", Sold: 2, Returned: 2, Gross: 6666, Refunded: 6666},
		{EventID: "evt_1", Section: "stalls", Currency: "EUR", Sold: 1, Returned: 1, Gross: 5000, Refunded: 5000},
	}, w.SectionSales())
}

func TestALostDisputeIsNoRevenue(t *testing.T) {
	w := readtest.New(t)
	part := readtest.EUR(1000)
	w.Append("payment-pay_1", readtest.PaymentInitiated(), payment.PaymentDisputed{DisputeID: "dp_1", Amount: readtest.EUR(11666), DisputedAt: readtest.Noon},
		payment.PaymentDisputed{DisputeID: "dp_2", Amount: readtest.EUR(11666), DisputedAt: readtest.Noon},
		payment.DisputeClosed{DisputeID: "dp_1", Won: true, ClosedAt: readtest.Noon},
		payment.DisputeClosed{DisputeID: "dp_2", Amount: &part, ClosedAt: readtest.NextDay})
	w.Append("reservation-rsv_1", readtest.InitiatedMixed(), reservation.ReservationCompleted{PaymentID: "pay_1", CompletedAt: readtest.Noon})
	w.ProjectAll(Projection{})
	require.Equal(t, []readtest.Sold{
		{EventID: "evt_1", Section: "floor", Currency: "EUR", Sold: 2, Gross: 6666, Lost: 571, Tickets: 2, Net: 6095},
		{EventID: "evt_1", Section: "stalls", Currency: "EUR", Sold: 1, Gross: 5000, Lost: 429, Tickets: 1, Net: 4571},
	}, w.SectionSales())
	require.EqualValues(t, 571, w.Sales()[1].Lost, "on the day on which it was lost")

	w.Append("payment-pay_1", payment.PaymentDisputed{DisputeID: "dp_3", Amount: readtest.EUR(11666)}, payment.DisputeClosed{DisputeID: "dp_3", ClosedAt: readtest.NextDay})
	w.ProjectAll(Projection{})
	require.EqualValues(t, 571+6666, w.SectionSales()[0].Lost, "as it was recorded before amounts were: all that was in dispute")
}

func TestSumsMayBeLargerThanAnyAmount(t *testing.T) {
	w := readtest.New(t)
	for _, id := range []string{"reservation-rsv_1", "reservation-rsv_2", "reservation-rsv_3"} {
		initiated := readtest.Initiated("usr_1")
		initiated.Seats[0].Price.Minor, initiated.Total.Minor = 1<<62, 1<<62
		w.Append(id, initiated, reservation.ReservationCompleted{CompletedAt: readtest.Noon})
	}
	records := w.Records("reservation")
	w.Project(Projection{}, records[:4]...)
	w.Project(Projection{}, records[4:]...)
	var gross, net string
	require.NoError(t, w.Tables.Read.QueryRow(t.Context(), `SELECT gross::text, net::text FROM section_sales`).Scan(&gross, &net))
	require.Equal(t, []string{"13835058055282163712", "13835058055282163712"}, []string{gross, net})
	require.Empty(t, w.DeadLetters(Projection{}))
}

// The money of a payment that completed nothing was never a sale's; and what was free has no payment.
func TestSalesCountOnlyWhatCompletedAReservation(t *testing.T) {
	w := readtest.New(t)
	free := readtest.Initiated("usr_1")
	free.Seats, free.Total = []reservation.Seat{{Section: "lawn", Price: readtest.EUR(0)}}, readtest.EUR(0)
	w.Append("reservation-rsv_1", readtest.Initiated("usr_1"), reservation.ReservationExpired{ExpiredAt: readtest.Noon})
	w.Append("payment-pay_1", readtest.PaymentInitiated(), payment.PaymentCompleted{CompletedAt: readtest.Noon}, readtest.Refunded(5000, readtest.Noon))
	w.Append("reservation-rsv_2", free, reservation.ReservationCompleted{CompletedAt: readtest.Noon})
	w.ProjectAll(Projection{})
	require.Equal(t, []readtest.Sold{{EventID: "evt_1", Section: "lawn", Currency: "EUR", Sold: 1, Tickets: 1}}, w.SectionSales())
}

// Whichever of the two streams comes first, and with it whichever row is made first.
func TestRefundsCountInAnyOrder(t *testing.T) {
	for name, order := range map[string][]int{
		"reservation first": {0, 1, 2, 3}, "payment first": {2, 3, 0, 1}, "refund in between": {0, 2, 3, 1}, "only the last ones": {1, 3},
		"only the last ones, the other way round": {3, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := readtest.New(t)
			w.Append("reservation-rsv_1", readtest.InitiatedMixed(), reservation.ReservationCompleted{PaymentID: "pay_1", CompletedAt: readtest.Noon})
			w.Append("payment-pay_1", readtest.PaymentInitiated(), readtest.Refunded(11666, readtest.NextDay))
			records := w.Records("reservation", "payment")
			for _, i := range order {
				w.Project(Projection{}, records[i])
			}
			require.Equal(t, []readtest.Sold{
				{EventID: "evt_1", Section: "floor", Currency: "EUR", Sold: 2, Gross: 6666, Refunded: 6666, Tickets: 2},
				{EventID: "evt_1", Section: "stalls", Currency: "EUR", Sold: 1, Gross: 5000, Refunded: 5000, Tickets: 1},
			}, w.SectionSales())
		})
	}
}

// Two members that were given the two streams, and read before either has written: one of them has to begin again.
func TestRefundBesideTheCompletionIsNotLost(t *testing.T) {
	w := readtest.New(t)
	w.Append("reservation-rsv_1", readtest.InitiatedMixed(), reservation.ReservationCompleted{PaymentID: "pay_1", CompletedAt: readtest.Noon})
	w.Append("payment-pay_1", readtest.PaymentInitiated(), readtest.Refunded(11666, readtest.NextDay))
	records := w.Records("reservation", "payment")
	w.Project(Projection{}, records[0], records[2])

	first, err := w.Tables.Read.Begin(t.Context())
	require.NoError(t, err)
	defer first.Rollback(t.Context())
	_, err = Projection{}.Apply(t.Context(), first, records[1:2])
	require.NoError(t, err)
	second := make(chan error)
	go func() {
		second <- pgx.BeginFunc(t.Context(), w.Tables.Read, func(tx pgx.Tx) error {
			_, err := Projection{}.Apply(t.Context(), tx, records[3:])
			return err
		})
	}()
	w.EventuallyBlocked()
	require.NoError(t, first.Commit(t.Context()))
	require.ErrorIs(t, <-second, projection.ErrFenced)
	w.Project(Projection{}, records[3])
	require.Equal(t, []int64{6666, 5000}, []int64{w.SectionSales()[0].Refunded, w.SectionSales()[1].Refunded})
}

func TestImpossibleSalesAreDeadLetters(t *testing.T) {
	completed := reservation.ReservationCompleted{PaymentID: "pay_1", CompletedAt: readtest.Noon}
	for name, last := range map[string]any{
		"sold twice":             completed,
		"returned before it was": reservation.ReservationRefunded{RefundedAt: readtest.Noon},
		"made twice":             readtest.InitiatedMixed(),
		"none of its":            payment.PaymentCompleted{},
	} {
		t.Run(name, func(t *testing.T) {
			w := readtest.New(t)
			w.Append("reservation-rsv_1", readtest.InitiatedMixed())
			if name == "sold twice" {
				w.Append("reservation-rsv_1", completed)
			}
			w.Append("reservation-rsv_1", last)
			w.ProjectAll(Projection{})
			letters := w.DeadLetters(Projection{})
			require.Len(t, letters, 1)
		})
	}
	t.Run("more given back than taken", func(t *testing.T) {
		w := readtest.New(t)
		w.Append("reservation-rsv_1", readtest.InitiatedMixed(), completed)
		w.Append("payment-pay_1", readtest.PaymentInitiated(), readtest.Refunded(11667, readtest.Noon))
		w.ProjectAll(Projection{})
		letters := w.DeadLetters(Projection{})
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
		got, err := splitAmount(c.amount, c.weights)
		require.NoError(t, err)
		require.Equal(t, c.want, got, "%d of %v", c.amount, c.weights)
	}
	_, err := splitAmount(3, []int64{1, 1})
	require.Error(t, err)
	_, err = splitAmount(-1, []int64{1, 1})
	require.Error(t, err)
}
