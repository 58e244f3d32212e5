package command_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/catalog"
	"ticketing/command/engine"
	"ticketing/command/event"
	"ticketing/command/gateway"
	"ticketing/command/gateway/sandbox"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/internal/money"
	"ticketing/internal/testenv"
)

// stuck is a gateway that can take no payment back yet.
type stuck struct{ gateway.Gateway }

func (s stuck) Pick(string) (gateway.Gateway, error)   { return s, nil }
func (s stuck) ByName(string) (gateway.Gateway, error) { return s, nil }
func (s stuck) Cancel(context.Context, gateway.Payment) (gateway.Result, error) {
	return gateway.Result{Outcome: payment.OutcomeProcessing}, nil
}

func TestOneStuckPaymentKeepsNobodyFromTheirRefund(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), testenv.EventsDatabase(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	e := engine.New(engine.Config{Pool: pool, Registry: catalog.Registry(), Aggregates: command.Aggregates(), Logger: slog.New(slog.DiscardHandler)})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	t.Cleanup(func() { stop(); require.NoError(t, <-ended) })
	s := &command.Service{Engine: e, Gateways: stuck{sandbox.New(pool)}, Hold: time.Minute, Logger: slog.New(slog.DiscardHandler)}
	by := command.Caller{Actor: "usr_somebody", CorrelationID: "test"}
	occasion, err := s.CreateEvent(ctx, by, event.Create{
		Name: "First night", Venue: "Town hall", StartsAt: time.Now().Add(time.Hour), MaxTicketsPerReservation: 8, PaymentAttempts: 1,
	})
	require.NoError(t, err)
	capacity, one := 1_000, 1
	_, err = s.AddInventory(ctx, by, occasion.ID, inventory.Add{Section: "Floor", Price: money.Money{Minor: 100, Currency: "EUR"}, Capacity: &capacity})
	require.NoError(t, err)
	_, err = s.PublishEvent(ctx, by, occasion.ID)
	require.NoError(t, err)
	_, err = s.OpenSales(ctx, by, occasion.ID)
	require.NoError(t, err)
	const paid = 200 // more than are wound up at once
	for i := range paid + 1 {
		r, err := s.ReserveSeats(ctx, by, command.ReserveSeats{EventID: occasion.ID, Items: []inventory.ReserveItem{{Section: "Floor", Quantity: &one}}})
		require.NoError(t, err)
		token := "pm_card_visa"
		if i == 0 {
			token = "pm_card_authenticationRequired" // the first to be wound up is the one that is stuck
		}
		_, err = s.ProcessPayment(ctx, by, command.ProcessPayment{ReservationID: r.ID, CardToken: token})
		require.NoError(t, err)
	}
	_, err = s.CancelEvent(ctx, by, occasion.ID, "rain")
	require.NoError(t, err)

	require.ErrorIs(t, s.WindUpEvent(ctx, by, occasion.ID), command.ErrStillProcessing)
	var requested int
	require.NoError(t, pool.QueryRow(ctx, `SELECT count(*) FROM domain_events WHERE type = 'RefundRequested'`).Scan(&requested))
	require.Equal(t, paid, requested)
}
