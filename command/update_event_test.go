package command_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/commandtest"
	"ticketing/command/event"
	"ticketing/command/rejection"
)

func TestLimitsAreNotLoweredBelowWhatIsHeldOrSold(t *testing.T) {
	t.Parallel()
	s := commandtest.New(t, commandtest.Config{})
	alice := commandtest.User("usr_alice")
	eventID := s.OnSale(t, event.Create{MaxTicketsPerCustomer: new(10)})
	s.Pay(t, alice, s.Reserve(t, alice, eventID, commandtest.Tickets("Floor", 3)).ID, "pm_card_visa")
	s.Reserve(t, alice, eventID, commandtest.Tickets("Floor", 2))

	_, err := s.UpdateEvent(t.Context(), commandtest.Organizer, eventID, event.Update{MaxTicketsPerReservation: new(2)})
	requireRejection(t, rejection.Invalid, err)
	_, err = s.UpdateEvent(t.Context(), commandtest.Organizer, eventID, event.Update{MaxTicketsPerCustomer: new(4)})
	requireRejection(t, rejection.Invalid, err)
	e, err := s.UpdateEvent(t.Context(), commandtest.Organizer, eventID, event.Update{MaxTicketsPerReservation: new(3), MaxTicketsPerCustomer: new(5), PaymentAttempts: new(2)})
	require.NoError(t, err)
	require.Equal(t, []int{3, 5, 2}, []int{e.MaxTicketsPerReservation, *e.MaxTicketsPerCustomer, e.PaymentAttempts})

	bob := commandtest.User("usr_bob")
	r := s.Reserve(t, bob, eventID, commandtest.Tickets("Floor", 3))
	require.Equal(t, 2, r.AttemptsLeft)
}
