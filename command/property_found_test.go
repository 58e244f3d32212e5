package command_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/commandtest"
	"ticketing/command/event"
	"ticketing/command/reservation"
	"ticketing/internal/testenv"
)

// Found by TestTheWriteSideUnderRandomCommands: a replica reconciled a payment that was never confirmed, cancelled it at the bank, and
// died before it wrote that down. The next one took the cancelled payment for a declined one, and with the last attempt the customer
// lost the seats.
func TestAPaymentThatWasCancelledForTheCustomerUsesNoAttempt(t *testing.T) {
	t.Parallel()
	bank := newBank()
	s := startProcess(t, testenv.EventsDatabase(t), bank)
	t.Cleanup(s.Stop)
	ctx, alice := t.Context(), commandtest.User("usr_alice")
	r := s.Reserve(t, alice, s.OnSale(t, event.Create{}), commandtest.Tickets("Floor", 1))
	paid := s.Pay(t, alice, r.ID, cardUnsure)

	bank.accounts[paid.ID].status = bankCancelled
	require.NoError(t, s.ReconcilePayment(ctx, saga, paid.ID))
	again, err := s.ProcessPayment(ctx, alice, command.ProcessPayment{ReservationID: r.ID, CardToken: cardOK})
	require.NoError(t, err)
	require.Equal(t, reservation.Completed, again.Reservation.Status)
}
