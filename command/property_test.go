// Package command_test proves the write side as a whole.
package command_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ticketing/command/catalog"
	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/money"
	"ticketing/internal/testenv"
	"ticketing/internal/verify"
)

// The whole write side, in two replicas over one PostgreSQL, is held to a simple model of the business: whatever customers, organizer and
// saga do in whatever order, however often it is delivered, whatever the bank does, and wherever a replica dies. After every step the log
// must be whole and say exactly what the model says, and the bank's books must fit. -rapid.checks and -rapid.steps make it longer.
func TestTheWriteSideUnderRandomCommands(t *testing.T) {
	url := testenv.EventsDatabase(t)
	pool := newURL(t, url)
	var ending sync.WaitGroup
	defer ending.Wait()
	rapid.Check(t, func(t *rapid.T) {
		head, err := eventstore.ReadHead(context.Background(), pool)
		require.NoError(t, err)
		w := &world{
			model: &model{}, url: url, pool: pool, bank: newBank(), ending: &ending, now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC),
			log:    verify.NewLog(catalog.Registry(), head.Position),
			ledger: &ledger{position: head.Position, reservations: map[string]reservation.State{}, payments: map[string]payment.State{}},
		}
		for range 2 {
			w.all = append(w.all, startProcess(t, url, w.bank, w.clock, &ending))
		}
		defer func() {
			for _, p := range w.all {
				p.stop()
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
			"sales":           w.sales,
			"cancel event":    w.cancelEvent,
			"wind up":         w.windUp,
			"time passes":     w.passTime,
			"die":             w.die,
		})
		w.settle(t)
	})
}

// open puts the event on sale.
func (w *world) open(t *rapid.T) {
	ctx, s, most := context.Background(), w.all[0], mostOfCustomer
	e, err := s.CreateEvent(ctx, organizer, event.Create{
		Name: "A concert", Venue: "A hall", StartsAt: w.clock().Add(1000 * time.Hour), MaxTicketsPerReservation: mostOfOne,
		MaxTicketsPerCustomer: &most, PaymentAttempts: attempts,
	})
	require.NoError(t, err)
	for _, p := range parts() {
		add := inventory.Add{Section: p.name, Price: money.Money{Minor: p.minor, Currency: "EUR"}, Capacity: &p.capacity}
		if len(p.labels) > 0 {
			add.Capacity, add.Rows = nil, []inventory.Row{{Name: "A", Seats: 3}, {Name: "B", Seats: 2}}
		}
		_, err := s.AddInventory(ctx, organizer, e.ID, add)
		require.NoError(t, err)
	}
	_, err = s.PublishEvent(ctx, organizer, e.ID)
	require.NoError(t, err)
	_, err = s.OpenSales(ctx, organizer, e.ID)
	require.NoError(t, err)
	w.eventID, w.status = e.ID, event.SalesOpen
}
