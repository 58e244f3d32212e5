package command_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/commandtest"
	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/rejection"
	"ticketing/internal/money"
)

func TestAReservationKeepsItsPriceWhenTheSectionsChanges(t *testing.T) {
	t.Parallel()
	s := commandtest.New(t, commandtest.Config{})
	alice, bob := commandtest.User("usr_alice"), commandtest.User("usr_bob")
	eventID := s.OnSale(t, event.Create{}, commandtest.Seated("Stalls", 10_00, inventory.Row{Name: "A", Seats: 4}))
	before := s.Reserve(t, alice, eventID, commandtest.Seats("Stalls", "A-1"))
	update := inventory.Update{Section: "Stalls", Price: &money.Money{Minor: 12_00, Currency: "EUR"}, Block: []string{"A-2"}}
	_, err := s.UpdateSection(t.Context(), bob, eventID, update)
	requireRejection(t, rejection.Forbidden, err)
	e, err := s.UpdateSection(t.Context(), commandtest.Organizer, eventID, update)
	require.NoError(t, err)
	require.Equal(t, []int{4, 1, 1}, []int{e.Sections[0].Capacity, e.Sections[0].Reserved, e.Sections[0].Blocked})

	require.EqualValues(t, 10_00, s.Pay(t, alice, before.ID, "pm_card_visa").Amount.Minor)
	require.EqualValues(t, 12_00, s.Reserve(t, bob, eventID, commandtest.Tickets("Stalls", 1)).Total.Minor)
	_, err = s.CancelEvent(t.Context(), commandtest.Organizer, eventID, "")
	require.NoError(t, err)
	_, err = s.UpdateSection(t.Context(), commandtest.Organizer, eventID, update)
	requireRejection(t, rejection.InvalidState, err)
}
