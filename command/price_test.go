package command_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/commandtest"
	"ticketing/command/event"
	"ticketing/command/gateway"
	"ticketing/command/gateway/paypal"
	"ticketing/command/gateway/stripe"
	"ticketing/command/inventory"
	"ticketing/command/rejection"
	"ticketing/internal/money"
	"ticketing/internal/testenv"
)

func requirePriceRefused(t *testing.T, err error) {
	t.Helper()
	rejected, _ := rejection.As(err)
	require.NotNil(t, rejected, "%v", err)
	require.Equal(t, rejection.Invalid, rejected.Code)
	require.Equal(t, []string{"price"}, rejected.Field)
}

// routerTo returns a router to gateways that are never called.
func routerTo(t *testing.T, enabled ...string) *gateway.Router {
	t.Helper()
	r, err := gateway.NewRouter(gateway.Config{Gateways: []gateway.Gateway{stripe.New(stripe.Config{}), paypal.New(paypal.Config{})}, Enabled: enabled})
	require.NoError(t, err)
	return r
}

func TestAPriceThatNoGatewayCanChargeIsRefused(t *testing.T) {
	t.Parallel()
	url := testenv.EventsDatabase(t)
	s := commandtest.New(t, commandtest.Config{Database: url, Gateways: routerTo(t, "stripe")})
	draft, err := s.CreateEvent(t.Context(), commandtest.Organizer, event.Create{
		Name: "A concert", Venue: "A hall", StartsAt: time.Now().Add(24 * time.Hour), MaxTicketsPerReservation: 8, PaymentAttempts: 1,
	})
	require.NoError(t, err)
	add := func(s *commandtest.System, section string, price money.Money) error {
		_, err := s.AddInventory(t.Context(), commandtest.Organizer, draft.ID, inventory.Add{Section: section, Price: price, Capacity: new(10)})
		return err
	}
	for _, price := range []money.Money{{Minor: 30, Currency: "USD"}, {Minor: 1234, Currency: "KWD"}, {Minor: 5, Currency: "CLF"}} {
		requirePriceRefused(t, add(s, "Floor", price))
	}
	require.NoError(t, add(s, "Lawn", money.Money{Currency: "ZAR"}), "what is free needs no gateway")
	require.NoError(t, add(s, "Floor", money.Money{Minor: 1_00, Currency: "ZAR"}))

	other := commandtest.New(t, commandtest.Config{Database: url, Gateways: routerTo(t, "paypal")})
	_, err = other.PublishEvent(t.Context(), commandtest.Organizer, draft.ID)
	requirePriceRefused(t, err)
	_, err = s.PublishEvent(t.Context(), commandtest.Organizer, draft.ID)
	require.NoError(t, err)
}

func TestWithoutAGatewayTicketsMustBeFree(t *testing.T) {
	t.Parallel()
	for _, enabled := range [][]string{{}, {"stripe", "paypal"}} {
		err := routerTo(t, enabled...).CheckPrice(money.Money{Minor: 30, Currency: "USD"})
		if len(enabled) > 0 {
			require.NoError(t, err, "PayPal takes it")
			continue
		}
		requirePriceRefused(t, err)
	}
	require.NoError(t, routerTo(t).CheckPrice(money.Money{Currency: "USD"}))
}
