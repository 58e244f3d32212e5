package projector

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/event"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/query"
)

func TestEventRow(t *testing.T) {
	w := newWorld(t)
	four := 4
	opens := noon.Add(time.Hour)
	first := created("Jazz Night")
	first.Description, first.MaxTicketsPerCustomer, first.SalesOpenAt = "all night", &four, &opens
	w.log.Append(t, "event-evt_1", first)
	w.project("events", w.records(event.Category)...)
	require.Equal(t, query.Event{
		ID: "evt_1", Version: 1, OrganizerID: "usr_org", Name: "Jazz Night", Description: "all night", Venue: "Arena",
		StartsAt: noon.Add(1000 * time.Hour), SalesOpenAt: &opens, MaxTicketsPerReservation: 8, MaxTicketsPerCustomer: &four,
		PaymentAttempts: 1, Status: "DRAFT", CreatedAt: noon,
	}, w.event("evt_1"))

	for i, step := range []struct {
		domainEvent any
		status      string
	}{
		{event.EventPublished{}, "PUBLISHED"}, {event.SalesOpened{}, "SALES_OPEN"}, {event.SalesClosed{}, "SALES_CLOSED"},
		{event.EventUpdated{Name: "Blues Night", Venue: "Hall", StartsAt: noon}, "SALES_CLOSED"},
		{event.EventCompleted{}, "COMPLETED"}, {event.EventCancelled{}, "CANCELLED"},
	} {
		w.log.Append(t, "event-evt_1", step.domainEvent)
		w.project("events", w.records(event.Category)...)
		require.Equal(t, step.status, w.event("evt_1").Status)
		require.EqualValues(t, i+2, w.event("evt_1").Version)
	}
	require.Equal(t, "Blues Night", w.event("evt_1").Name)
	require.Nil(t, w.event("evt_1").SalesOpenAt)

	for search, found := range map[string]int{"blue ha": 1, "jazz": 0, "night": 1, "ight": 0, "' | x": 0, "": 1} {
		page, err := w.reader.EventPage(t.Context(), query.EventFilter{Search: &search}, query.PageArgs{})
		require.NoError(t, err)
		require.Len(t, page.Items, found, search)
	}
}

func TestReservationRow(t *testing.T) {
	w := newWorld(t)
	later := noon.Add(7 * time.Minute)
	w.log.Append(t, "reservation-rsv_1", initiated("usr_1"))
	w.project("reservations", w.records(reservation.Category)...)
	r := w.reservation("rsv_1")
	require.JSONEq(t, `{"correlationId": "cor_1", "attemptsLeft": 2}`, string(r.Metadata))
	r.Metadata = nil
	require.Equal(t, query.Reservation{
		ID: "rsv_1", Version: 1, EventID: "evt_1", CustomerID: "usr_1", Status: "SEATS_RESERVED", Total: eur(5000),
		Seats: []query.ReservedSeat{{Section: "floor", Label: "A-1", Price: eur(5000)}}, CreatedAt: noon, ExpiresAt: noon.Add(5 * time.Minute),
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
		w.log.Append(t, "reservation-rsv_1", step.domainEvent)
		w.project("reservations", w.records(reservation.Category)...)
		r := w.reservation("rsv_1")
		require.Equal(t, step.status, r.Status)
		step.check(r)
	}
}

func TestPaymentRow(t *testing.T) {
	w := newWorld(t)
	w.log.Append(t, "payment-pay_1", paid(), payment.PaymentProcessing{TransactionID: "tx"})
	w.log.Append(t, "payment-pay_2", paid(), payment.PaymentActionRequired{TransactionID: "tx2"})
	w.project("payments", w.records(payment.Category)...)
	require.Equal(t, "PROCESSING", w.payment("pay_1").Status)
	require.Equal(t, "REQUIRES_ACTION", w.payment("pay_2").Status)
	require.JSONEq(t, `{"correlationId": "cor_1", "method": "card"}`, string(w.payment("pay_1").Metadata))
	require.Empty(t, w.payment("pay_1").Refunds)
	require.Nil(t, w.payment("pay_1").FailureReason)

	w.log.Append(t, "payment-pay_1", payment.PaymentFailed{Code: payment.Abandoned, Reason: "too late", FailedAt: noon})
	w.project("payments", w.records(payment.Category)...)
	p := w.payment("pay_1")
	require.Equal(t, []string{"FAILED", "abandoned", "too late"}, []string{p.Status, *p.FailureCode, *p.FailureReason})
	require.Equal(t, &noon, p.FailedAt)

	w.log.Append(t, "payment-pay_1",
		payment.PaymentCompleted{TransactionID: "tx", CompletedAt: noon},
		payment.RefundRequested{RefundID: "rfd_1", Amount: eur(2000), Reason: "rain", RequestedAt: noon},
		payment.RefundRequested{RefundID: "rfd_2", Amount: eur(3000), RequestedAt: noon},
		payment.PaymentRefunded{RefundID: "rfd_1", Amount: eur(2000), RefundedAt: noon},
		payment.RefundFailed{RefundID: "rfd_2", Reason: "closed", FailedAt: noon})
	w.project("payments", w.records(payment.Category)...)
	p = w.payment("pay_1")
	require.Equal(t, "PARTIALLY_REFUNDED", p.Status)
	require.Equal(t, eur(2000), p.Refunded)
	require.Equal(t, []query.Refund{
		{ID: "rfd_1", Amount: eur(2000), Status: "COMPLETED", Reason: "rain", CreatedAt: noon},
		{ID: "rfd_2", Amount: eur(3000), Status: "FAILED", CreatedAt: noon},
	}, p.Refunds)
	require.Nil(t, p.FailedAt)
	require.Nil(t, p.FailureReason)
	require.Equal(t, &noon, p.CompletedAt)

	w.log.Append(t, "payment-pay_1",
		payment.RefundRequested{RefundID: "rfd_3", Amount: eur(3000), RequestedAt: noon},
		payment.PaymentDisputed{DisputeID: "dp_1", Amount: eur(5000), Reason: "fraudulent", DisputedAt: noon},
		payment.PaymentDisputed{DisputeID: "dp_2", Amount: eur(5000), DisputedAt: noon},
		payment.DisputeClosed{DisputeID: "dp_1", Won: true, ClosedAt: noon},
		payment.RefundReported{RefundID: "rfd_4", Amount: eur(3000), ReportedAt: noon},
		payment.PaymentRefunded{RefundID: "rfd_4", Amount: eur(3000), RefundedAt: noon})
	w.project("payments", w.records(payment.Category)...)
	p = w.payment("pay_1")
	require.Equal(t, "REFUNDED", p.Status)
	require.Equal(t, query.Refund{ID: "rfd_4", Amount: eur(3000), Status: "COMPLETED", CreatedAt: noon}, p.Refunds[3])
	require.JSONEq(t, `{"correlationId": "cor_1", "method": "card", "disputes": {"dp_1": "WON", "dp_2": "OPEN"}}`, string(p.Metadata))
	byRefund, err := w.reader.PaymentsByRefund(t.Context(), []string{"rfd_1", "rfd_4", "rfd_none"})
	require.NoError(t, err)
	require.Len(t, byRefund, 4, "all refunds of the payment, which is read once")
	require.Equal(t, "pay_1", byRefund["rfd_1"].ID)

	byReservation, err := w.reader.PaymentsByReservation(t.Context(), []string{"rsv_1", "rsv_none"})
	require.NoError(t, err)
	require.Len(t, byReservation["rsv_1"], 2)
	require.Empty(t, byReservation["rsv_none"])
}
