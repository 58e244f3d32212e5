package projector

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"ticketing/command/payment"
	"ticketing/command/reservation"
)

// customer is a row of the table customers.
type customer struct {
	ID                                         string
	Reservations, Completed, Returned, Tickets int64
	FirstSeen, LastSeen                        time.Time
}

// spend is a row of the table customer_spend.
type spend struct {
	CustomerID, Currency string
	Spent, Refunded, Net int64
}

// deed is what a row of the table customer_history says.
type deed struct {
	CustomerID, Kind, ReservationID, PaymentID string
	Tickets, Amount                            int64
}

func (w *world) customers() []customer {
	w.t.Helper()
	return rowsOf[customer](w, `SELECT id, reservations, completed, returned, tickets, first_seen, last_seen FROM customers ORDER BY id`)
}

func (w *world) spend() []spend {
	w.t.Helper()
	return rowsOf[spend](w, `SELECT customer_id, currency, spent, refunded, net FROM customer_spend ORDER BY customer_id, currency`)
}

func (w *world) history() []deed {
	w.t.Helper()
	return rowsOf[deed](w, `SELECT customer_id, kind, reservation_id, coalesce(payment_id, ''), tickets, amount
		FROM customer_history ORDER BY customer_id, position`)
}

func TestCustomerCountsAndHistory(t *testing.T) {
	w := newWorld(t)
	w.log.Append(t, "reservation-rsv_1", mixed())
	w.log.Append(t, "payment-pay_1", paid(), payment.PaymentFailed{FailedAt: noon})
	w.log.Append(t, "payment-pay_2", paid(), payment.PaymentProcessing{}, payment.PaymentCompleted{CompletedAt: noon})
	w.log.Append(t, "reservation-rsv_1", reservation.PaymentRequested{}, reservation.ReservationCompleted{PaymentID: "pay_2", CompletedAt: noon})
	w.log.Append(t, "payment-pay_2", payment.RefundRequested{RefundID: "rfd", Amount: eur(2000)}, refundOf(2000, noon))
	w.log.Append(t, "reservation-rsv_2", initiated("usr_2"), reservation.ReservationExpired{ExpiredAt: noon})
	w.log.Append(t, "reservation-rsv_3", initiated("usr_2"), reservation.ReservationCancelled{CancelledAt: noon})
	w.log.Append(t, "reservation-rsv_4", initiated("usr_2"), reservation.ReservationCompensated{CompensatedAt: noon})
	w.log.Append(t, "reservation-rsv_5", initiated("usr_2"), reservation.ReservationCompleted{CompletedAt: noon},
		reservation.ReservationRefunded{RefundedAt: noon})
	records := w.records("reservation", "payment")
	w.project("customers", records...)

	got := w.customers()
	for i := range got {
		require.False(t, got[i].LastSeen.Before(got[i].FirstSeen))
		got[i].FirstSeen, got[i].LastSeen = time.Time{}, time.Time{}
	}
	require.Equal(t, []customer{
		{ID: "usr_1", Reservations: 1, Completed: 1, Tickets: 3}, {ID: "usr_2", Reservations: 4, Completed: 1, Returned: 1},
	}, got)
	require.Equal(t, []spend{{CustomerID: "usr_1", Currency: "EUR", Spent: 5000, Refunded: 2000, Net: 3000}}, w.spend())
	require.Equal(t, []deed{
		{"usr_1", "RESERVATION_INITIATED", "rsv_1", "", 3, 11666},
		{"usr_1", "PAYMENT_FAILED", "rsv_1", "pay_1", 0, 5000},
		{"usr_1", "PAYMENT_COMPLETED", "rsv_1", "pay_2", 0, 5000},
		{"usr_1", "RESERVATION_COMPLETED", "rsv_1", "", 3, 11666},
		{"usr_1", "PAYMENT_REFUNDED", "rsv_1", "pay_2", 0, 2000},
		{"usr_2", "RESERVATION_INITIATED", "rsv_2", "", 1, 5000},
		{"usr_2", "RESERVATION_EXPIRED", "rsv_2", "", 1, 5000},
		{"usr_2", "RESERVATION_INITIATED", "rsv_3", "", 1, 5000},
		{"usr_2", "RESERVATION_CANCELLED", "rsv_3", "", 1, 5000},
		{"usr_2", "RESERVATION_INITIATED", "rsv_4", "", 1, 5000},
		{"usr_2", "RESERVATION_COMPENSATED", "rsv_4", "", 1, 5000},
		{"usr_2", "RESERVATION_INITIATED", "rsv_5", "", 1, 5000},
		{"usr_2", "RESERVATION_COMPLETED", "rsv_5", "", 1, 5000},
		{"usr_2", "RESERVATION_REFUNDED", "rsv_5", "", 1, 5000},
	}, w.history())
}

// Only what customers did themselves shows when they were seen: the log of this test is all usr_1's.
func TestCustomersAreSeenByWhatTheyDo(t *testing.T) {
	w := newWorld(t)
	w.log.Append(t, "reservation-rsv_1", initiated("usr_1"))
	w.log.Append(t, "reservation-rsv_2", initiated("usr_2"))
	w.log.Append(t, "reservation-rsv_1", reservation.ReservationCancelled{CancelledAt: noon})
	w.log.Append(t, "reservation-rsv_2", reservation.ReservationCancelled{CancelledAt: noon})
	records := w.records("reservation")
	for _, i := range []int{3, 2, 1, 0} {
		w.project("customers", records[i])
	}
	got := w.customers()
	require.WithinDuration(t, records[0].RecordedAt, got[0].FirstSeen, 0)
	require.WithinDuration(t, records[2].RecordedAt, got[0].LastSeen, 0)
	require.WithinDuration(t, records[1].RecordedAt, got[1].FirstSeen, 0)
	require.WithinDuration(t, records[1].RecordedAt, got[1].LastSeen, 0, "somebody else cancelled")
}

// Two members that read the same stream before either has written: one of them has to begin again.
func TestCustomersAreCountedOnceByTwoMembers(t *testing.T) {
	for name, known := range map[string]int{"a new stream": 0, "a known stream": 1} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.log.Append(t, "reservation-rsv_1", initiated("usr_1"), reservation.ReservationCompleted{CompletedAt: noon})
			records := w.records("reservation")
			w.project("customers", records[:known]...)
			first, err := w.cfg.Read.Begin(t.Context())
			require.NoError(t, err)
			defer first.Rollback(t.Context())
			_, err = customers{}.Apply(t.Context(), first, records[:known+1])
			require.NoError(t, err)
			second := make(chan error)
			go func() {
				second <- pgx.BeginFunc(t.Context(), w.cfg.Read, func(tx pgx.Tx) error {
					_, err := customers{}.Apply(t.Context(), tx, records)
					return err
				})
			}()
			w.eventuallyBlocked()
			require.NoError(t, first.Commit(t.Context()))
			require.ErrorIs(t, <-second, errFenced)
			w.project("customers", records...)
			require.Equal(t, []int64{1, 1}, []int64{w.customers()[0].Reservations, w.customers()[0].Completed})
		})
	}
}
