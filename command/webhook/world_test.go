package webhook_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/catalog"
	"ticketing/command/engine"
	"ticketing/command/event"
	"ticketing/command/gateway"
	"ticketing/command/gateway/stripe"
	"ticketing/command/gateway/stripe/stripetest"
	"ticketing/command/inventory"
	"ticketing/command/webhook"
	"ticketing/internal/money"
	"ticketing/internal/testenv"
)

// shop is the write side with one gateway, an event on sale, and a receiver of webhooks. Nothing is handled until handle is called.
type shop struct {
	t       *testing.T
	pool    *pgxpool.Pool
	service *command.Service
	source  webhook.Source
	url     string // where webhooks go
	eventID string
}

// world is a shop that takes cards through Stripe.
type world struct {
	*shop

	double *stripetest.Server
}

var organizer = command.Caller{Principal: command.User("usr_organizer"), Trace: command.Trace{CorrelationID: "test"}}

func newWorld(t *testing.T) *world {
	t.Helper()
	double := stripetest.New(t)
	source := stripe.New(stripe.Config{APIKey: stripetest.APIKey, WebhookSecret: stripetest.WebhookSecret, APIBase: double.URL})
	return &world{newShop(t, source), double}
}

func newShop(t *testing.T, gw interface {
	gateway.Gateway
	webhook.Source
},
) *shop {
	t.Helper()
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), testenv.EventsDatabase(t))
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	silent := slog.New(slog.DiscardHandler)
	e := engine.New(engine.Config{Pool: pool, Registry: catalog.Registry(), Aggregates: command.Aggregates(), Logger: silent})
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	t.Cleanup(func() { stop(); require.NoError(t, <-ended) })

	router, err := gateway.NewRouter(gateway.Config{
		Gateways: []gateway.Gateway{gw}, Enabled: []string{gw.Name()}, Timeout: testenv.Patience, Logger: silent,
	})
	require.NoError(t, err)
	receiver, err := webhook.NewReceiver(webhook.ReceiverConfig{Pool: pool, Logger: silent})
	require.NoError(t, err)
	web := httptest.NewServer(receiver.Handler(gw))
	t.Cleanup(web.Close)
	w := &shop{
		t: t, pool: pool, source: gw, url: web.URL,
		service: command.New(command.Config{Engine: e, Gateways: router, Hold: time.Hour, Logger: silent}),
	}
	w.sell()
	return w
}

// sell puts an event on sale.
func (w *shop) sell() {
	w.t.Helper()
	ctx := w.t.Context()
	occasion, err := w.service.CreateEvent(ctx, organizer, event.Create{
		Name: "First night", Venue: "Town hall", StartsAt: time.Now().Add(24 * time.Hour), MaxTicketsPerReservation: 8, PaymentAttempts: 1,
	})
	require.NoError(w.t, err)
	_, err = w.service.AddInventory(ctx, organizer, occasion.ID, inventory.Add{Section: "Floor", Price: money.Money{Minor: 20_00, Currency: "EUR"}, Capacity: new(100)})
	require.NoError(w.t, err)
	_, err = w.service.PublishEvent(ctx, organizer, occasion.ID)
	require.NoError(w.t, err)
	_, err = w.service.OpenSales(ctx, organizer, occasion.ID)
	require.NoError(w.t, err)
	w.eventID = occasion.ID
}

var alice = command.Caller{Principal: command.User("usr_alice"), Trace: command.Trace{CorrelationID: "test"}}

// pay reserves a ticket and pays it with a card.
func (w *world) pay(token string) (command.Paid, error) {
	w.t.Helper()
	return w.service.ProcessPayment(w.t.Context(), alice, command.ProcessPayment{ReservationID: w.reserve(), CardToken: token})
}

// reserve answers the id of a reservation of one ticket.
func (w *shop) reserve() string {
	w.t.Helper()
	r, err := w.service.ReserveSeats(w.t.Context(), alice, command.ReserveSeats{
		EventID: w.eventID, Items: []inventory.ReserveItem{{Section: "Floor", Quantity: new(1)}},
	})
	require.NoError(w.t, err)
	return r.ID
}

func (w *world) mustPay(token string) command.Payment {
	w.t.Helper()
	paid, err := w.pay(token)
	require.NoError(w.t, err)
	return *paid.Payment
}

// send sends an event as Stripe would, and wants it accepted.
func (w *world) send(e stripetest.Event) {
	w.t.Helper()
	require.Equal(w.t, http.StatusOK, w.double.Send(w.t, w.url, e))
}

// last returns the newest event of a type about a payment.
func (w *world) last(transactionID, kind string) stripetest.Event {
	w.t.Helper()
	return w.double.Last(w.t, transactionID, kind)
}

// handle runs a worker of webhook jobs until all that were stored have been handled.
func (w *shop) handle() {
	w.t.Helper()
	handler := w.handler()
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(func(ctx context.Context, job *river.Job[webhook.Job]) error { return handler.Handle(ctx, job.Args) }))
	client, err := river.NewClient(riverpgxv5.New(w.pool), &river.Config{
		Workers: workers, Queues: map[string]river.QueueConfig{webhook.Queue: {MaxWorkers: 8}},
		PollOnly: true, FetchCooldown: time.Millisecond, FetchPollInterval: 5 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(w.t, err)
	require.NoError(w.t, client.Start(w.t.Context()))
	testenv.Eventually(w.t, testenv.Patience, func() (bool, string) {
		open := w.count(`SELECT count(*) FROM webhooks WHERE handled_at IS NULL`)
		return open == 0, fmt.Sprintf("%d webhooks are not handled", open)
	})
	require.NoError(w.t, client.Stop(w.t.Context()))
	require.Zero(w.t, w.count(`SELECT count(*) FROM river_job WHERE state <> 'completed'`), "jobs are left")
}

func (w *shop) handler() *webhook.Handler {
	w.t.Helper()
	handler, err := webhook.NewHandler(webhook.HandlerConfig{Pool: w.pool, Sources: []webhook.Source{w.source}, Service: w.service})
	require.NoError(w.t, err)
	return handler
}

func (w *shop) count(query string, args ...any) (n int) {
	w.t.Helper()
	require.NoError(w.t, w.pool.QueryRow(w.t.Context(), query, args...).Scan(&n))
	return n
}

// history answers the types of the domain events of a stream.
func (w *shop) history(streamID string) (types []string) {
	w.t.Helper()
	require.NoError(w.t, w.pool.QueryRow(w.t.Context(),
		`SELECT array_agg(type ORDER BY version) FROM domain_events WHERE stream_id = $1`, streamID).Scan(&types))
	return types
}

// logged counts all domain events.
func (w *shop) logged() int { return w.count(`SELECT count(*) FROM domain_events`) }
