package webhook_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/commandtest"
	"ticketing/command/event"
	"ticketing/command/gateway"
	"ticketing/command/gateway/stripe"
	"ticketing/command/gateway/stripe/stripetest"
	"ticketing/command/webhook"
	"ticketing/internal/testenv"
)

var (
	organizer = commandtest.Organizer
	alice     = commandtest.User("usr_alice")
)

// shop is the write side with one gateway, an event on sale, and a receiver of webhooks. Webhooks wait until handle is called.
type shop struct {
	*commandtest.System

	t       *testing.T
	gateway gateway.Gateway
	source  webhook.Source
	url     string       // where webhooks are sent
	address atomic.Value // from where they come
	eventID string
}

// world is a shop that takes cards through Stripe.
type world struct {
	*shop

	double *stripetest.Server
}

func newWorld(t *testing.T) *world {
	t.Helper()
	double := stripetest.New(t)
	source := stripe.New(stripe.Config{APIKey: stripetest.APIKey, WebhookSecrets: []string{"whsec_the_next_one", stripetest.WebhookSecret}, APIBase: double.URL})
	return &world{newShop(t, source), double}
}

func newShop(t *testing.T, gw interface {
	gateway.Gateway
	webhook.Source
},
) *shop {
	t.Helper()
	t.Parallel()
	w := &shop{System: commandtest.New(t, commandtest.Config{Gateway: gw}), t: t, gateway: gw, source: gw}
	w.address.Store("192.0.2.1")
	receiver, err := webhook.NewReceiver(webhook.ReceiverConfig{
		Pool: w.Pool, Address: func(*http.Request) string { return w.address.Load().(string) }, Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	web := httptest.NewServer(receiver.Handler(gw))
	t.Cleanup(web.Close)
	w.url, w.eventID = web.URL, w.OnSale(t, event.Create{})
	return w
}

// pay reserves a ticket and pays it with a card.
func (w *world) pay(token string) (command.Paid, error) {
	w.t.Helper()
	return w.ProcessPayment(w.t.Context(), alice, command.ProcessPayment{ReservationID: w.reserve(), CardToken: token})
}

// reserve returns the id of a reservation of one ticket.
func (w *shop) reserve() string {
	w.t.Helper()
	return w.Reserve(w.t, alice, w.eventID, commandtest.Tickets("Floor", 1)).ID
}

func (w *world) mustPay(token string) command.Payment {
	w.t.Helper()
	return w.Pay(w.t, alice, w.reserve(), token)
}

// send sends an event as Stripe does, and requires it to be accepted.
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
	client, err := river.NewClient(riverpgxv5.New(w.Pool), &river.Config{
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
	handler, err := webhook.NewHandler(webhook.HandlerConfig{Pool: w.Pool, Sources: []webhook.Source{w.source}, Service: w.Service})
	require.NoError(w.t, err)
	return handler
}

func (w *shop) count(query string, args ...any) (n int) {
	w.t.Helper()
	require.NoError(w.t, w.Pool.QueryRow(w.t.Context(), query, args...).Scan(&n))
	return n
}

// logged counts all domain events.
func (w *shop) logged() int { return w.count(`SELECT count(*) FROM domain_events`) }
