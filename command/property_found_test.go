package command_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/reservation"
	"ticketing/internal/money"
	"ticketing/internal/testenv"
)

// Found by TestTheWriteSideUnderRandomCommands: a replica reconciled a payment that was never confirmed, cancelled it at the bank, and
// died before it wrote that down. The next one took the cancelled payment for a declined one, and with the last attempt the customer
// lost the seats.
func TestAPaymentThatWasCancelledForTheCustomerUsesNoAttempt(t *testing.T) {
	t.Parallel()
	var ending sync.WaitGroup
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	bank := newBank()
	s := startProcess(t, testenv.EventsDatabase(t), bank, func() time.Time { return now }, &ending)
	defer ending.Wait()
	defer s.stop()
	ctx, alice, one := t.Context(), caller("usr_alice", ""), 1
	e, err := s.CreateEvent(ctx, organizer, event.Create{
		Name: "A concert", Venue: "A hall", StartsAt: now.Add(time.Hour), MaxTicketsPerReservation: 1, PaymentAttempts: 1,
	})
	require.NoError(t, err)
	_, err = s.AddInventory(ctx, organizer, e.ID, inventory.Add{Section: "Floor", Price: money.Money{Minor: 1, Currency: "EUR"}, Capacity: &one})
	require.NoError(t, err)
	_, err = s.PublishEvent(ctx, organizer, e.ID)
	require.NoError(t, err)
	_, err = s.OpenSales(ctx, organizer, e.ID)
	require.NoError(t, err)
	r, err := s.ReserveSeats(ctx, alice, command.ReserveSeats{EventID: e.ID, Items: []inventory.ReserveItem{{Section: "Floor", Quantity: &one}}})
	require.NoError(t, err)
	paid, err := s.ProcessPayment(ctx, alice, command.ProcessPayment{ReservationID: r.ID, CardToken: cardUnsure})
	require.NoError(t, err)

	bank.accounts[paid.Payment.ID].status = bankCancelled
	require.NoError(t, s.ReconcilePayment(ctx, saga, paid.Payment.ID))
	again, err := s.ProcessPayment(ctx, alice, command.ProcessPayment{ReservationID: r.ID, CardToken: cardOK})
	require.NoError(t, err)
	require.Equal(t, reservation.Completed, again.Reservation.Status)
}
