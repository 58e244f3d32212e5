package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"ticketing/command"
	"ticketing/command/catalog"
	"ticketing/command/engine"
	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/internal/id"
	"ticketing/internal/money"
	"ticketing/internal/postgres"
)

const (
	sectionName = "Floor"
	perCommand  = 2 // tickets of a reservation
	hold        = 5 * time.Minute
	traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
)

// market is the write side as the api has it: the engine, and the use cases over it.
type market struct {
	*command.Service

	pool *pgxpool.Pool
	stop context.CancelFunc
	done chan error
}

func openMarket(ctx context.Context, url string) (*market, error) {
	pool, err := postgres.NewPool(ctx, url, postgres.Config{MaxConnections: 6, StatementTimeout: time.Minute})
	if err != nil {
		return nil, err
	}
	e := engine.New(engine.Config{Pool: pool, Registry: catalog.Registry(), Aggregates: command.Aggregates(), Logger: newLogger()})
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	m := &market{Service: command.New(command.Config{Engine: e, Hold: hold, Logger: newLogger()}), pool: pool, stop: stop, done: make(chan error, 1)}
	go func() { m.done <- e.Run(running) }()
	return m, nil
}

func (m *market) close() error {
	m.stop()
	err := <-m.done
	m.pool.Close()
	return err
}

// createEvent puts a new event on sale.
func (m *market) createEvent(ctx context.Context, in inventory.Add) (eventID string, err error) {
	by := command.Caller{Principal: command.User(id.New(id.User)), Trace: command.Trace{CorrelationID: "bench"}}
	created, err := m.CreateEvent(ctx, by, event.Create{
		Name: "First night", Venue: "Town hall", StartsAt: time.Now().AddDate(1, 0, 0), MaxTicketsPerReservation: 8, PaymentAttempts: 1,
	})
	if err != nil {
		return "", err
	}
	_, published := m.PublishEvent(ctx, by, created.ID)
	_, opened := m.OpenSales(ctx, by, created.ID)
	_, added := m.AddInventory(ctx, by, created.ID, in)
	return created.ID, errors.Join(published, opened, added)
}

// newFloor is a general-admission section that is never sold out.
func newFloor() inventory.Add {
	capacity := inventory.MostCapacity
	return inventory.Add{Section: sectionName, Price: money.Money{Minor: 7_900, Currency: "EUR"}, Capacity: &capacity}
}

// createEvents puts n events on sale.
func (m *market) createEvents(ctx context.Context, n int) ([]string, error) {
	ids := make([]string, n)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(clients)
	for i := range ids {
		g.Go(func() (err error) {
			ids[i], err = m.createEvent(ctx, newFloor())
			return err
		})
	}
	return ids, g.Wait()
}

// callers are clients with unique names and idempotency keys.
type callers struct {
	prefix string
	names  []string
}

func newCallers() callers {
	b := callers{prefix: strconv.FormatUint(rand.Uint64(), 36), names: make([]string, clients)} //nolint:gosec // no secret
	for i := range b.names {
		b.names[i] = id.New(id.User)
	}
	return b
}

// newCaller returns a caller like the API's: with all that is recorded with a command in production.
func (b callers) newCaller(client, n int) command.Caller {
	key := fmt.Sprintf("%s-%d-%d", b.prefix, client, n)
	return command.Caller{
		Principal: command.User(b.names[client]), Trace: command.Trace{CorrelationID: "req-" + key, Traceparent: traceparent}, IdempotencyKey: key,
	}
}

// reserveWork reserves two tickets of a random event through the engine.
func (m *market) reserveWork(events ...string) work {
	all, quantity := newCallers(), perCommand
	return func(ctx context.Context, client, n int) error {
		_, err := m.ReserveSeats(ctx, all.newCaller(client, n), command.ReserveSeats{
			EventID: events[rand.IntN(len(events))], //nolint:gosec // no secret
			Items:   []inventory.ReserveItem{{Section: sectionName, Quantity: &quantity}},
		})
		return err
	}
}
