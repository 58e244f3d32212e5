package test

import (
	"cmp"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The promises of a platform on two cores that its customers, PostgreSQL, Redis and the broker share.
const (
	loadP95          = 500 * time.Millisecond
	loadErrorPercent = 1
	loadReservations = 10 // a second
)

// How many customers come in a second, and how much time each of them takes for an order.
const (
	loadArrivals = 5
	loadPause    = 4 * time.Second
)

// The same on an on-sale, where customers hurry. It has as many tickets as are sold in about DURATION.
const (
	onSaleArrivals         = 10
	onSalePause            = time.Second
	onSaleTicketsPerSecond = 100
)

// TestLoad lets 50 customers in, and 50 more after half of the time: sign in, browse, reserve, pay, watch. Then an event goes on sale, and is sold
// out to as many customers as the machine takes. `make load`.
func TestLoad(t *testing.T) {
	duration := readLoad(t, "LOAD", 5*time.Minute)
	r := newLoadRun(t, nil)
	steady := r.newCrowd(10_000_000, loadPause)
	r.watch(time.Second, func(at time.Duration) bool {
		steady.letIn(min(loadArrivals, 50+50*int(min(2*at/duration, 1))-steady.number))
		return at < duration
	})
	steady.finish()
	onSale := r.sellOut(onSaleTicketsPerSecond * int(duration.Seconds()))
	steady.print("50, then 100 customers")
	onSale.print("an event that is sold out")
	r.writePlot()
	for _, operation := range operations {
		require.Less(t, steady.quantile(operation, 0.95), loadP95, operation)
	}
	sent, failed := steady.count()
	require.Less(t, failed*100, sent*loadErrorPercent)
	require.Greater(t, float64(steady.countOf("reserve"))/duration.Seconds(), float64(loadReservations))
}

// sellOut lets in more customers each second, as long as those before wait less than loadP95 for a reservation and next to nothing is refused (an api
// that has too much to do sends customers away), until the event is sold out.
func (r *loadRun) sellOut(tickets int) *crowd {
	c := r.newCrowd(tickets, onSalePause)
	longest := time.Duration(tickets) * time.Second / loadReservations
	seen, sent, failed := 0, 0, 0
	r.watch(time.Second, func(at time.Duration) bool {
		require.Less(r.t, at, longest, "%d of %d tickets are sold", c.paid.Load(), tickets)
		sentBefore, failedBefore := sent, failed
		sent, failed = c.count()
		if c.quantileSince("reserve", seen, 0.95) < loadP95 && (failed-failedBefore)*100 <= (sent-sentBefore)*loadErrorPercent {
			c.letIn(onSaleArrivals)
		}
		seen = c.countOf("reserve")
		return c.paid.Load() < int64(tickets)
	})
	c.finish()
	require.EqualValues(r.t, tickets, c.paid.Load())
	r.requireVerified()
	floor := signIn(r.t, r.url, adminEmail).readEvent(*c.onSale.Load()).Sections[0]
	require.Equal(r.t, [3]int{0, 0, tickets}, [3]int{floor.Available, floor.Reserved, floor.Sold}, "the event is sold out, and not oversold")
	return c
}

func readLoad(t *testing.T, variable string, duration time.Duration) time.Duration {
	t.Helper()
	if os.Getenv(variable) == "" {
		t.Skip("make load, make load-k6 and make soak run it")
	}
	duration, err := time.ParseDuration(cmp.Or(os.Getenv("DURATION"), duration.String()))
	require.NoError(t, err)
	return duration
}
