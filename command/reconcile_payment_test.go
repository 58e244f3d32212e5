package command_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/commandtest"
	"ticketing/command/event"
	"ticketing/command/payment"
	"ticketing/command/reservation"
)

// A bank charges what it had declined, while the customer is on the page of a second payment, which they never finish.
func TestAPaymentThatAnotherOneOvertookIsGivenUp(t *testing.T) {
	t.Parallel()
	s := commandtest.New(t, commandtest.Config{})
	ctx, alice := t.Context(), commandtest.User("usr_alice")
	r := s.Reserve(t, alice, s.OnSale(t, event.Create{PaymentAttempts: 2}), commandtest.Tickets("Floor", 1))
	declined, err := s.ProcessPayment(ctx, alice, command.ProcessPayment{ReservationID: r.ID, CardToken: "pm_card_chargeDeclined"})
	require.Error(t, err)
	second := s.Pay(t, alice, r.ID, "pm_card_authenticationRequired")
	_, err = s.Pool.Exec(ctx, `UPDATE sandbox_payments SET status = 'succeeded' WHERE payment_id = $1`, declined.Payment.ID)
	require.NoError(t, err)
	require.NoError(t, s.RecordWebhook(ctx, commandtest.Part("webhook"), command.Hint{Gateway: "sandbox", PaymentID: declined.Payment.ID}))

	require.NoError(t, s.ReconcilePayment(ctx, commandtest.Part("saga"), second.ID))
	purchase, err := s.PurchaseOfPayment(ctx, second.ID)
	require.NoError(t, err)
	require.Equal(t, payment.Abandoned, purchase.Payment.FailureCode)
	require.Equal(t, reservation.Completed, purchase.Reservation.Status)
	require.Equal(t, declined.Payment.ID, purchase.Reservation.PaymentID)
}
