package saga

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/payment"
	"ticketing/command/reservation"
)

func TestALargeEventIsWoundUpPartByPart(t *testing.T) {
	const customers = eventPart + 100 // a domain event of the inventory each
	w := newWorld(t, 2*customers)
	w.clock.Move(time.Hour)
	paid := w.reserve(t)
	w.pay(t, paid, "pm_card_visa", payment.Completed)
	for range customers {
		w.reserve(t)
	}
	_, err := w.CancelEvent(t.Context(), organizer, w.eventID, "rain")
	require.NoError(t, err)
	runSaga(t, config(w.pool, w))
	waitUntilIdle(t, w.pool)

	require.Zero(t, w.section(t).Reserved+w.section(t).Sold)
	require.Equal(t, reservation.Refunded, w.status(t, paid.ID))
	parts := texts(t, w.pool, `SELECT DISTINCT coalesce(args->>'after', '') || ':' || coalesce(args->>'until', '') FROM river_job WHERE kind = 'event_cancelled'`)
	require.ElementsMatch(t, []string{":", ":1000", "1000:2000"}, parts)
	require.Equal(t, []string{strconv.Itoa(customers + 1)}, texts(t, w.pool, `SELECT count(*)::text FROM customer_mails WHERE mail = 'event_cancelled'`))
}

// What a gateway refuses for good stays refused, however often the event is wound up.
func TestARefusedRefundIsNotRequestedAgain(t *testing.T) {
	w := newWorld(t, 10)
	w.clock.Move(time.Hour)
	paymentID := w.pay(t, w.reserve(t), "pm_card_refundFail", payment.Completed)
	_, err := w.CancelEvent(t.Context(), organizer, w.eventID, "rain")
	require.NoError(t, err)
	for range 3 {
		require.NoError(t, w.WindUpEvent(t.Context(), organizer, w.eventID, command.AllVersions))
		for _, refund := range state(t, w.pool, payment.Stream(paymentID), payment.Evolve).Refunds {
			require.NoError(t, w.ExecuteRefund(t.Context(), organizer, paymentID, refund.ID))
		}
	}
	refunds := state(t, w.pool, payment.Stream(paymentID), payment.Evolve).Refunds
	require.Len(t, refunds, 1)
	require.Equal(t, payment.RefundRefused, refunds[0].Status)
	require.Zero(t, refunds[0].Attempt)
}
