package command_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/commandtest"
	"ticketing/command/event"
	"ticketing/command/gateway"
	"ticketing/command/reservation"
	"ticketing/internal/money"
)

// losing is gateways at which each payment has a dispute that was lost.
type losing struct {
	command.Gateways

	amount money.Money
}

func (l losing) ByName(name string) (gateway.Gateway, error) {
	g, err := l.Gateways.ByName(name)
	return loser{g, l.amount}, err
}

type loser struct {
	gateway.Gateway

	amount money.Money
}

func (l loser) Reversals(ctx context.Context, p gateway.Payment) ([]gateway.Reversal, error) {
	reversals, err := l.Gateway.Reversals(ctx, p)
	return append(reversals, gateway.Reversal{ID: "dp_" + p.ID, Dispute: true, Status: gateway.ReversalDone, Reason: "fraudulent", Amount: l.amount}), err
}

func TestAReservationEndsWhenDisputesAndRefundsGaveAllBack(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]int64{"disputes alone": 70_00, "a dispute and a refund of the rest": 20_00} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := commandtest.New(t, commandtest.Config{Wrap: func(g command.Gateways) command.Gateways {
				return losing{g, money.Money{Minor: lost, Currency: "EUR"}}
			}})
			alice := commandtest.User("usr_alice")
			eventID := s.OnSale(t, event.Create{}, commandtest.Standing("Floor", 2, 35_00))
			p := s.Pay(t, alice, s.Reserve(t, alice, eventID, commandtest.Tickets("Floor", 2)).ID, "pm_card_visa")
			hint := command.Hint{Gateway: "sandbox", PaymentID: p.ID, Reversals: true}
			require.NoError(t, s.RecordWebhook(t.Context(), commandtest.Part("webhook"), hint))
			if lost < 70_00 {
				require.Equal(t, "ReservationCompleted", last(s.History(t, reservation.Stream(p.ReservationID))), "the customer has paid a part")
				refunding, err := s.RefundPayment(t.Context(), commandtest.Organizer, command.RefundPayment{PaymentID: p.ID})
				require.NoError(t, err)
				require.Equal(t, 70_00-lost, refunding.Refund.Amount.Minor)
				require.NoError(t, s.ExecuteRefund(t.Context(), commandtest.Part("saga"), p.ID, refunding.Refund.ID))
			}
			require.Equal(t, "ReservationRefunded", last(s.History(t, reservation.Stream(p.ReservationID))))
			s.Reserve(t, commandtest.User("usr_bob"), eventID, commandtest.Tickets("Floor", 2)) // the seats are free
		})
	}
}
