package test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"ticketing/command"
	"ticketing/command/commandtest"
	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/internal/testenv"
)

// Each customer of a cancelled event is refunded once, though a replica of the saga is killed meanwhile.
func TestTenThousandPaymentsAreRefundedOnceThoughASagaIsKilled(t *testing.T) {
	t.Parallel()
	const sold = 10_000
	p := newPlatform(t)
	s := commandtest.New(t, commandtest.Config{Database: p.env["DATABASE_URL"]})
	eventID := sellTickets(t, s, sold)
	_, err := s.CancelEvent(t.Context(), commandtest.Organizer, eventID, "rain")
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

// sellTickets creates an event and sells n of its tickets, each to another customer.
func sellTickets(t *testing.T, s *commandtest.System, n int) (eventID string) {
	t.Helper()
	eventID = s.OnSale(t, event.Create{StartsAt: time.Now().Add(time.Hour)}, commandtest.Standing("Floor", n, 25_00))
	var customers errgroup.Group
	var sold atomic.Int64
	for range 64 {
		customers.Go(func() error {
			for i := sold.Add(1); i <= int64(n); i = sold.Add(1) {
				by := commandtest.User(fmt.Sprintf("usr_%05d", i))
				r, err := s.ReserveSeats(t.Context(), by, command.ReserveSeats{EventID: eventID, Items: []inventory.ReserveItem{commandtest.Tickets("Floor", 1)}})
				if err != nil {
					return err
				}
				if _, err := s.ProcessPayment(t.Context(), by, command.ProcessPayment{ReservationID: r.ID, CardToken: "pm_card_visa"}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.NoError(t, customers.Wait())
	return eventID
}
