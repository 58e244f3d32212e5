// Package command_test proves the write side as a whole.
package command_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ticketing/command/audit"
	"ticketing/command/catalog"
	"ticketing/command/commandtest"
	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/testenv"
)

// The whole write side, in two replicas over one PostgreSQL, is held to a simple model of the business: whatever customers, organizer and
// saga do in whatever order, however often it is delivered, whatever the bank does, and wherever a replica dies. After every step the log
// must be whole and say exactly what the model says, and the bank's books must fit. -rapid.checks and -rapid.steps make it longer.
func TestTheWriteSideUnderRandomCommands(t *testing.T) {
	url := testenv.EventsDatabase(t)
	pool, clock := testenv.OpenPool(t, url), testenv.NewStoppedClock(t, url, time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)) // runs on from one check to the next
	var ending sync.WaitGroup
	defer ending.Wait()
	rapid.Check(t, func(t *rapid.T) {
		head, err := eventstore.ReadHead(context.Background(), pool)
		require.NoError(t, err)
		w := &world{
			model: &model{}, url: url, pool: pool, bank: newBank(), ending: &ending, clock: clock,
			log:    audit.New(audit.Config{Registry: catalog.Registry(), After: head.Position}),
			ledger: &ledger{position: head.Position, reservations: map[string]reservation.State{}, payments: map[string]payment.State{}},
		}
		for range 2 {
			w.all = append(w.all, startProcess(t, url, w.bank))
		}
		defer func() {
			for _, p := range w.all {
				ending.Go(p.Stop)
			}
		}()
		w.open(t)
		t.Repeat(map[string]func(*rapid.T){
			"":                w.check,
			"reserve":         w.reserve,
			"reserve more":    w.reserve,
			"reserve at once": w.reserveAtOnce,
			"ask again":       w.again,
			"pay":             w.pay,
			"pay more":        w.pay,
			"confirm":         w.confirm,
			"cancel":          w.cancel,
			"reconcile":       w.reconcile,
			"expire":          w.expire,
			"refund":          w.refund,
			"refund tickets":  w.refundTickets,
			"send back":       w.sendBack,
			"retry refund":    w.retryRefund,
			"sales":           w.sales,
			"cancel event":    w.cancelEvent,
			"wind up":         w.windUp,
			"time passes":     w.passTime,
			"die":             w.die,
		})
		w.finishAll(t)
	})
}

// open puts the event on sale.
func (w *world) open(t *rapid.T) {
	var sections []inventory.Add
	for _, p := range parts() {
		section := commandtest.Standing(p.name, p.capacity, p.minor)
		if len(p.labels) > 0 {
			section = commandtest.Seated(p.name, p.minor, inventory.Row{Name: "A", Seats: 3}, inventory.Row{Name: "B", Seats: 2})
		}
		sections = append(sections, section)
	}
	w.eventID, w.status = w.all[0].OnSale(t, event.Create{
		StartsAt: w.clock.Now().Add(1000 * time.Hour), MaxTicketsPerReservation: mostOfOne, MaxTicketsPerCustomer: new(mostOfCustomer), PaymentAttempts: attempts,
	}, sections...), event.SalesOpen
}
