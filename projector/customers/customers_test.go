package customers

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/projector/projection"
	"ticketing/projector/readtest"
)

func history(customer, kind, reservationID, paymentID string, tickets, amount int64) readtest.History {
	return readtest.History{
		CustomerID: customer, Kind: kind, ReservationID: reservationID, PaymentID: paymentID, Tickets: tickets, Amount: amount,
	}
}

func TestCustomerCountsAndHistory(t *testing.T) {
	w := readtest.New(t)
	w.Append("reservation-rsv_1", readtest.InitiatedMixed())
	w.Append("payment-pay_1", readtest.PaymentInitiated(), payment.PaymentFailed{FailedAt: readtest.Noon})
	w.Append("payment-pay_2", readtest.PaymentInitiated(), payment.PaymentProcessing{}, payment.PaymentCompleted{CompletedAt: readtest.Noon})
	w.Append("reservation-rsv_1", reservation.PaymentRequested{}, reservation.ReservationCompleted{PaymentID: "pay_2", CompletedAt: readtest.Noon})
	w.Append("payment-pay_2", payment.RefundRequested{RefundID: "rfd", Amount: readtest.EUR(2000)}, readtest.Refunded(2000, readtest.Noon),
		payment.RefundSentBack{RefundID: "rfd", Amount: readtest.EUR(500), SentBackAt: readtest.Noon})
	w.Append("reservation-rsv_2", readtest.Initiated("usr_2"), reservation.ReservationExpired{ExpiredAt: readtest.Noon})
	w.Append("reservation-rsv_3", readtest.Initiated("usr_2"), reservation.ReservationCancelled{CancelledAt: readtest.Noon})
	w.Append("reservation-rsv_4", readtest.Initiated("usr_2"), reservation.ReservationCompensated{CompensatedAt: readtest.Noon})
	w.Append("reservation-rsv_5", readtest.Initiated("usr_2"), reservation.ReservationCompleted{CompletedAt: readtest.Noon},
		reservation.ReservationRefunded{RefundedAt: readtest.Noon})
	records := w.Records("reservation", "payment")
	w.Project(Projection{}, records...)

	got := w.Customers()
	for i := range got {
		require.False(t, got[i].LastSeen.Before(got[i].FirstSeen))
		got[i].FirstSeen, got[i].LastSeen = time.Time{}, time.Time{}
	}
	require.Equal(t, []readtest.Customer{
		{ID: "usr_1", Reservations: 1, Completed: 1, Tickets: 3}, {ID: "usr_2", Reservations: 4, Completed: 1, Returned: 1},
	}, got)
	require.Equal(t, []readtest.Spend{{CustomerID: "usr_1", Currency: "EUR", Spent: 5000, Refunded: 1500, Net: 3500}}, w.CustomerSpend())
	require.Equal(t, []readtest.History{
		history("usr_1", "RESERVATION_INITIATED", "rsv_1", "", 3, 11666),
		history("usr_1", "PAYMENT_FAILED", "rsv_1", "pay_1", 0, 5000),
		history("usr_1", "PAYMENT_COMPLETED", "rsv_1", "pay_2", 0, 5000),
		history("usr_1", "RESERVATION_COMPLETED", "rsv_1", "", 3, 11666),
		history("usr_1", "PAYMENT_REFUNDED", "rsv_1", "pay_2", 0, 2000),
		history("usr_1", "REFUND_SENT_BACK", "rsv_1", "pay_2", 0, 500),
		history("usr_2", "RESERVATION_INITIATED", "rsv_2", "", 1, 5000),
		history("usr_2", "RESERVATION_EXPIRED", "rsv_2", "", 1, 5000),
		history("usr_2", "RESERVATION_INITIATED", "rsv_3", "", 1, 5000),
		history("usr_2", "RESERVATION_CANCELLED", "rsv_3", "", 1, 5000),
		history("usr_2", "RESERVATION_INITIATED", "rsv_4", "", 1, 5000),
		history("usr_2", "RESERVATION_COMPENSATED", "rsv_4", "", 1, 5000),
		history("usr_2", "RESERVATION_INITIATED", "rsv_5", "", 1, 5000),
		history("usr_2", "RESERVATION_COMPLETED", "rsv_5", "", 1, 5000),
		history("usr_2", "RESERVATION_REFUNDED", "rsv_5", "", 1, 5000),
	}, w.CustomerHistory())
}

func TestSingleTicketsThatWereReturnedAreNotTheCustomersAnyMore(t *testing.T) {
	w := readtest.New(t)
	w.Append("reservation-rsv_1", readtest.InitiatedMixed(), reservation.ReservationCompleted{PaymentID: "pay_1", CompletedAt: readtest.Noon},
		reservation.TicketsReturned{PaymentID: "pay_1", Tickets: []reservation.Ticket{{Ordinal: 1, Section: "stalls"}}})
	w.ProjectAll(Projection{})
	require.EqualValues(t, 2, w.Customers()[0].Tickets)
	w.Append("reservation-rsv_1", reservation.ReservationRefunded{PaymentID: "pay_1", RefundedAt: readtest.Noon})
	w.ProjectAll(Projection{})
	require.Zero(t, w.Customers()[0].Tickets)
}

func TestSpendMayBeLargerThanAnyAmount(t *testing.T) {
	w := readtest.New(t)
	for _, id := range []string{"payment-pay_1", "payment-pay_2", "payment-pay_3"} {
		initiated := readtest.PaymentInitiated()
		initiated.Amount.Minor = 1 << 62
		w.Append(id, initiated, payment.PaymentCompleted{CompletedAt: readtest.Noon})
	}
	w.ProjectAll(Projection{})
	var net string
	require.NoError(t, w.Tables.Read.QueryRow(t.Context(), `SELECT net::text FROM customer_spend`).Scan(&net))
	require.Equal(t, "13835058055282163712", net)
	require.Empty(t, w.DeadLetters(Projection{}))
}

// Only what customers did themselves shows when they were seen: the log of this test is all usr_1's.
func TestCustomersAreSeenByWhatTheyDo(t *testing.T) {
	w := readtest.New(t)
	w.Append("reservation-rsv_1", readtest.Initiated("usr_1"))
	w.Append("reservation-rsv_2", readtest.Initiated("usr_2"))
	w.Append("reservation-rsv_1", reservation.ReservationCancelled{CancelledAt: readtest.Noon})
	w.Append("reservation-rsv_2", reservation.ReservationCancelled{CancelledAt: readtest.Noon})
	records := w.Records("reservation")
	for _, i := range []int{3, 2, 1, 0} {
		w.Project(Projection{}, records[i])
	}
	got := w.Customers()
	require.WithinDuration(t, records[0].RecordedAt, got[0].FirstSeen, 0)
	require.WithinDuration(t, records[2].RecordedAt, got[0].LastSeen, 0)
	require.WithinDuration(t, records[1].RecordedAt, got[1].FirstSeen, 0)
	require.WithinDuration(t, records[1].RecordedAt, got[1].LastSeen, 0, "another user cancelled it")
}

// Two members that read the same stream before either has written: one of them has to begin again.
func TestCustomersAreCountedOnceByTwoMembers(t *testing.T) {
	for name, known := range map[string]int{"a new stream": 0, "a known stream": 1} {
		t.Run(name, func(t *testing.T) {
			w := readtest.New(t)
			w.Append("reservation-rsv_1", readtest.Initiated("usr_1"), reservation.ReservationCompleted{CompletedAt: readtest.Noon})
			records := w.Records("reservation")
			w.Project(Projection{}, records[:known]...)
			first, err := w.Tables.Read.Begin(t.Context())
			require.NoError(t, err)
			defer first.Rollback(t.Context())
			_, err = Projection{}.Apply(t.Context(), first, records[:known+1])
			require.NoError(t, err)
			second := make(chan error)
			go func() {
				second <- pgx.BeginFunc(t.Context(), w.Tables.Read, func(tx pgx.Tx) error {
					_, err := Projection{}.Apply(t.Context(), tx, records)
					return err
				})
			}()
			w.EventuallyBlocked()
			require.NoError(t, first.Commit(t.Context()))
			require.ErrorIs(t, <-second, projection.ErrFenced)
			w.Project(Projection{}, records...)
			require.Equal(t, []int64{1, 1}, []int64{w.Customers()[0].Reservations, w.Customers()[0].Completed})
		})
	}
}
