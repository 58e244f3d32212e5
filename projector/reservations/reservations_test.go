package reservations_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/reservation"
	"ticketing/projector/readtest"
	"ticketing/projector/reservations"
	"ticketing/query"
)

func TestReservationRow(t *testing.T) {
	w := readtest.New(t)
	later := readtest.Noon.Add(7 * time.Minute)
	w.Append("reservation-rsv_1", readtest.Initiated("usr_1"))
	w.ProjectAll(reservations.Projection{})
	r := w.Reservation("rsv_1")
	require.JSONEq(t, `{"correlationId": "cor_1", "attemptsLeft": 2}`, string(r.Metadata))
	r.Metadata = nil
	require.Equal(t, query.Reservation{
		ID: "rsv_1", Version: 1, EventID: "evt_1", CustomerID: "usr_1", Status: "SEATS_RESERVED", Total: readtest.EUR(5000),
		Seats: []query.ReservedSeat{{Section: "floor", Label: "A-1", Price: readtest.EUR(5000)}}, CreatedAt: readtest.Noon, ExpiresAt: readtest.Noon.Add(5 * time.Minute),
	}, r)

	for _, step := range []struct {
		domainEvent any
		status      string
		check       func(query.Reservation)
	}{
		{reservation.PaymentRequested{PaymentID: "pay_1", ExpiresAt: later}, "PAYMENT_PENDING", func(r query.Reservation) { require.Equal(t, later, r.ExpiresAt) }},
		{reservation.PaymentAttemptFailed{PaymentID: "pay_1", AttemptsLeft: 1, Reason: "declined"}, "SEATS_RESERVED", func(r query.Reservation) {
			require.JSONEq(t, `{"correlationId": "cor_1", "paymentId": "pay_1", "attemptsLeft": 1, "reason": "declined"}`, string(r.Metadata))
		}},
		{reservation.ReservationExpired{ExpiredAt: later}, "EXPIRED", func(r query.Reservation) { require.Equal(t, &later, r.ExpiredAt) }},
		{reservation.ReservationCompleted{CompletedAt: later}, "COMPLETED", func(r query.Reservation) {
			require.Equal(t, &later, r.CompletedAt)
			require.Nil(t, r.ExpiredAt)
		}},
		{reservation.ReservationRefunded{RefundedAt: later}, "REFUNDED", func(r query.Reservation) { require.Equal(t, &later, r.RefundedAt) }},
		{reservation.ReservationCancelled{CancelledAt: later}, "CANCELLED", func(r query.Reservation) { require.Equal(t, &later, r.CancelledAt) }},
		{reservation.ReservationCompensated{CompensatedAt: later}, "COMPENSATED", func(r query.Reservation) { require.Equal(t, &later, r.CompensatedAt) }},
	} {
		w.Append("reservation-rsv_1", step.domainEvent)
		w.ProjectAll(reservations.Projection{})
		r := w.Reservation("rsv_1")
		require.Equal(t, step.status, r.Status)
		step.check(r)
	}
}
