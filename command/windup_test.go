package command_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/commandtest"
	"ticketing/command/event"
	"ticketing/command/gateway"
	"ticketing/command/gateway/sandbox"
	"ticketing/command/payment"
	"ticketing/internal/money"
	"ticketing/internal/testenv"
)

// stuckGateway can take no payment back yet.
type stuckGateway struct{ gateway.Gateway }

func (s stuckGateway) Pick(string) (gateway.Gateway, error)   { return s, nil }
func (s stuckGateway) ByName(string) (gateway.Gateway, error) { return s, nil }
func (s stuckGateway) CheckPrice(money.Money) error           { return nil }
func (s stuckGateway) Cancel(context.Context, gateway.Payment) (gateway.Result, error) {
	return gateway.Result{Outcome: payment.OutcomeProcessing}, nil
}

func TestAStuckPaymentDoesNotKeepOthersFromTheirRefunds(t *testing.T) {
	t.Parallel()
	url := testenv.EventsDatabase(t)
	s := commandtest.New(t, commandtest.Config{Database: url, Gateways: stuckGateway{sandbox.New(testenv.OpenPool(t, url))}})
	eventID, customer := s.OnSale(t, event.Create{}), commandtest.User("usr_customer")
	const paid = 200 // more than are wound up at once
	for i := range paid + 1 {
		token := "pm_card_visa"
		if i == 0 {
			token = "pm_card_authenticationRequired" // the first to be wound up is the one that is stuck
		}
		s.Pay(t, customer, s.Reserve(t, customer, eventID, commandtest.Tickets("Floor", 1)).ID, token)
	}
	_, err := s.CancelEvent(t.Context(), commandtest.Organizer, eventID, "rain")
	require.NoError(t, err)

	require.ErrorIs(t, s.WindUpEvent(t.Context(), commandtest.Organizer, eventID, command.AllVersions), command.ErrStillProcessing)
	var requested int
	require.NoError(t, s.Pool.QueryRow(t.Context(), `SELECT count(*) FROM domain_events WHERE type = 'RefundRequested'`).Scan(&requested))
	require.Equal(t, paid, requested)
}
