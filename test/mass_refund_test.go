package test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"ticketing/command"
	"ticketing/command/catalog"
	"ticketing/command/engine"
	"ticketing/command/event"
	"ticketing/command/gateway"
	"ticketing/command/gateway/sandbox"
	"ticketing/command/inventory"
	"ticketing/internal/money"
	"ticketing/internal/testenv"
)

// Each customer of a cancelled event is refunded once, though a replica of the saga is killed meanwhile.
func TestTenThousandPaymentsAreRefundedOnceThoughASagaIsKilled(t *testing.T) {
	t.Parallel()
	const sold = 10_000
	p := newPlatform(t)
	s := writeSide(t, p)
	organizer := command.Caller{Actor: "usr_organizer", CorrelationID: "test"}
	eventID := sellTickets(t, s, organizer, sold)
	_, err := s.CancelEvent(t.Context(), organizer, eventID, "rain")
	require.NoError(t, err)

	refunded := func() int { return queryCount(t, p.env["DATABASE_URL"], `SELECT count(*) FROM sandbox_refunds`) }
	saga := p.startPart("saga")
	p.startPart("saga")
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		n := refunded()
		return n > 0, fmt.Sprintf("%d refunds", n)
	})
	saga.killNow()
	require.Less(t, refunded(), sold, "it was killed too late to be in the middle")
	p.startPart("saga")
	awaitProgress(t, sold, refunded)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		n := queryCount(t, p.env["DATABASE_URL"], `SELECT count(*) FROM domain_events WHERE type = 'ReservationRefunded'`)
		return n == sold, fmt.Sprintf("%d of %d reservations are refunded", n, sold)
	})
	require.Equal(t, sold, refunded(), "each once")
	require.Equal(t, sold, queryCount(t, p.env["DATABASE_URL"], `SELECT count(DISTINCT transaction_id) FROM sandbox_refunds WHERE status = 'succeeded'`))
	require.Equal(t, 0, queryCount(t, p.env["DATABASE_URL"], `SELECT (SELECT sum(minor) FROM sandbox_payments WHERE status = 'succeeded')::bigint
		- (SELECT sum(minor) FROM sandbox_refunds WHERE status = 'succeeded')::bigint`), "nothing of the money is left at the gateway")
	require.Equal(t, sold, queryCount(t, p.env["DATABASE_URL"], `SELECT count(*) FROM domain_events WHERE type = 'RefundRequested'`))
}

// awaitProgress waits until n is reached, for as long as there is progress.
func awaitProgress(t testing.TB, n int, got func() int) {
	t.Helper()
	for last := -1; last < n; {
		testenv.Eventually(t, testenv.Patience, func() (bool, string) {
			now := got()
			moved := now > last
			last = max(last, now)
			return moved, fmt.Sprintf("it stopped at %d of %d", now, n)
		})
	}
}

// writeSide returns the use cases in this process, over the platform's databases.
func writeSide(t testing.TB, p *platform) *command.Service {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), p.env["DATABASE_URL"])
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	quiet := slog.New(slog.DiscardHandler)
	e := engine.New(engine.Config{Pool: pool, Registry: catalog.Registry(), Aggregates: command.Aggregates(), Logger: quiet})
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	t.Cleanup(func() { stop(); require.NoError(t, <-ended) })
	router, err := gateway.NewRouter(gateway.Config{
		Gateways: []gateway.Gateway{sandbox.New(pool)}, Enabled: []string{sandbox.Name}, Timeout: 30 * time.Second, Logger: quiet,
	})
	require.NoError(t, err)
	return &command.Service{Engine: e, Gateways: router, Hold: time.Hour, Logger: quiet}
}

// sellTickets creates an event and sells n of its tickets, each to another customer.
func sellTickets(t testing.TB, s *command.Service, organizer command.Caller, n int) (eventID string) {
	t.Helper()
	ctx := t.Context()
	occasion, err := s.CreateEvent(ctx, organizer, event.Create{
		Name: "First night", Venue: "Town hall", StartsAt: time.Now().Add(time.Hour), MaxTicketsPerReservation: 8, PaymentAttempts: 1,
	})
	require.NoError(t, err)
	_, err = s.AddInventory(ctx, organizer, occasion.ID, inventory.Add{Section: "Floor", Price: money.Money{Minor: 2500, Currency: "EUR"}, Capacity: &n})
	require.NoError(t, err)
	_, err = s.PublishEvent(ctx, organizer, occasion.ID)
	require.NoError(t, err)
	_, err = s.OpenSales(ctx, organizer, occasion.ID)
	require.NoError(t, err)
	var buyers errgroup.Group
	var sold atomic.Int64
	one := 1
	for range 64 {
		buyers.Go(func() error {
			for i := sold.Add(1); i <= int64(n); i = sold.Add(1) {
				by := command.Caller{Actor: fmt.Sprintf("usr_%05d", i), CorrelationID: "test"}
				r, err := s.ReserveSeats(ctx, by, command.ReserveSeats{EventID: occasion.ID, Items: []inventory.ReserveItem{{Section: "Floor", Quantity: &one}}})
				if err != nil {
					return err
				}
				if _, err := s.ProcessPayment(ctx, by, command.ProcessPayment{ReservationID: r.ID, CardToken: "pm_card_visa"}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, buyers.Wait())
	return occasion.ID
}
