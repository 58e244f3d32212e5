package verify_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
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
	"ticketing/command/rejection"
	"ticketing/command/reservation"
	"ticketing/internal/money"
	"ticketing/internal/testenv"
	"ticketing/internal/verify"
	"ticketing/projector"
)

var topics = map[string]string{
	event.Category: "events", inventory.Category: "inventory", reservation.Category: "reservations", payment.Category: "payments",
}

// platform is a write side on real databases, whose read tables are filled when a test says so.
type platform struct {
	*command.Service

	t            *testing.T
	events, read *pgxpool.Pool

	mu  sync.Mutex
	now time.Time
}

func newPlatform(t *testing.T) *platform {
	t.Helper()
	urls := testenv.Databases(t)
	p := &platform{t: t, events: pool(t, urls.Events), read: pool(t, urls.Read), now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	quiet := slog.New(slog.DiscardHandler)
	e := engine.New(engine.Config{Pool: p.events, Registry: catalog.Registry(), Aggregates: command.Aggregates(), Clock: p.clock, Logger: quiet})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() {
		if err := e.Run(ctx); err != nil {
			t.Errorf("engine: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	router, err := gateway.NewRouter(gateway.Config{
		Gateways: []gateway.Gateway{sandbox.New(p.events)}, Enabled: []string{sandbox.Name}, Timeout: 30 * time.Second, Logger: quiet,
	})
	require.NoError(t, err)
	p.Service = &command.Service{Engine: e, Gateways: router, Hold: 5 * time.Minute, Logger: quiet}
	return p
}

func pool(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}

func (p *platform) clock() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

func (p *platform) pass(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = p.now.Add(d)
}

var organizer, saga = by("usr_organizer"), by("system:saga")

func by(actor string) command.Caller {
	return command.Caller{Actor: actor, CorrelationID: "request of " + actor}
}

// onSale makes an event with 20 places to stand, two rows of seats, and free places.
func (p *platform) onSale(name string) string {
	p.t.Helper()
	most := 50
	created, err := p.CreateEvent(p.t.Context(), organizer, event.Create{
		Name: name, Description: "Où êtes-vous?", Venue: "Arena", StartsAt: p.clock().Add(24*time.Hour + 123*time.Nanosecond),
		MaxTicketsPerReservation: 8, MaxTicketsPerCustomer: &most, PaymentAttempts: 2,
	})
	require.NoError(p.t, err)
	capacity := 20
	for _, section := range []inventory.Add{
		{Section: "Floor", Price: money.Money{Minor: 2500, Currency: "EUR"}, Capacity: &capacity},
		{Section: "Stalls", Price: money.Money{Minor: 4550, Currency: "EUR"}, Rows: []inventory.Row{{Name: "A", Seats: 4}, {Name: "B", Seats: 2}}},
		{Section: "Lawn", Price: money.Money{Currency: "EUR"}, Capacity: &capacity},
	} {
		_, err := p.AddInventory(p.t.Context(), organizer, created.ID, section)
		require.NoError(p.t, err)
	}
	_, err = p.PublishEvent(p.t.Context(), organizer, created.ID)
	require.NoError(p.t, err)
	_, err = p.OpenSales(p.t.Context(), organizer, created.ID)
	require.NoError(p.t, err)
	return created.ID
}

func (p *platform) reserve(customer, eventID string, items ...inventory.ReserveItem) string {
	p.t.Helper()
	r, err := p.ReserveSeats(p.t.Context(), by(customer), command.ReserveSeats{EventID: eventID, Items: items})
	require.NoError(p.t, err)
	return r.ID
}

func (p *platform) pay(customer, reservationID, token string, want payment.Status) string {
	p.t.Helper()
	paid, err := p.ProcessPayment(p.t.Context(), by(customer), command.ProcessPayment{ReservationID: reservationID, CardToken: token})
	if _, rejected := rejection.As(err); !rejected {
		require.NoError(p.t, err)
	}
	require.NotNil(p.t, paid.Payment)
	require.Equal(p.t, want, paid.Payment.Status)
	return paid.Payment.ID
}

func best(section string, n int) inventory.ReserveItem {
	return inventory.ReserveItem{Section: section, Quantity: &n}
}

func named(section string, labels ...string) inventory.ReserveItem {
	return inventory.ReserveItem{Section: section, Labels: labels}
}

// story is a sale in which everything happened that can, so that every column of every table says something.
type story struct {
	eventID, cancelledID string
	completed, held      string // reservations
	payment              string // of completed
	refunded             string // another reservation
}

func (p *platform) tell() (s story) {
	p.t.Helper()
	ctx := p.t.Context()
	s.eventID, s.cancelledID = p.onSale("First night"), p.onSale("Second night")
	s.completed = p.reserve("usr_alice", s.eventID, named("Stalls", "A-1", "A-2"), best("Floor", 2))
	s.payment = p.pay("usr_alice", s.completed, "pm_card_visa", payment.Completed)
	expiring := p.reserve("usr_bob", s.eventID, best("Floor", 3))
	p.pass(6 * time.Minute)
	require.NoError(p.t, p.ExpireHold(ctx, saga, expiring))
	s.held = p.reserve("usr_carol", s.eventID, named("Stalls", "B-1"))
	given := p.reserve("usr_dan", s.eventID, best("Stalls", 1))
	_, err := p.CancelReservation(ctx, by("usr_dan"), command.CancelReservation{ReservationID: given, Reason: "too late"})
	require.NoError(p.t, err)
	declined := p.reserve("usr_erin", s.eventID, best("Floor", 1))
	p.pay("usr_erin", declined, "pm_card_chargeDeclined", payment.Failed)
	p.pay("usr_erin", declined, "pm_card_chargeDeclinedInsufficientFunds", payment.Failed)
	again := p.reserve("usr_erin", s.eventID, best("Floor", 1))
	p.pay("usr_erin", again, "pm_sandbox_unavailable", payment.Failed)
	p.pay("usr_erin", again, "pm_sandbox_timeout", payment.Processing)
	pending := p.reserve("usr_frank", s.eventID, best("Floor", 1))
	p.pay("usr_frank", pending, "pm_card_authenticationRequired", payment.RequiresAction)
	free := p.reserve("usr_grace", s.eventID, best("Lawn", 2))
	_, err = p.ProcessPayment(ctx, by("usr_grace"), command.ProcessPayment{ReservationID: free})
	require.NoError(p.t, err)

	s.refunded = p.reserve("usr_alice", s.cancelledID, named("Stalls", "A-3"), best("Floor", 1))
	refunded := p.pay("usr_alice", s.refunded, "pm_card_visa", payment.Completed)
	refused := p.reserve("usr_bob", s.cancelledID, best("Floor", 1))
	unlucky := p.pay("usr_bob", refused, "pm_card_refundFail", payment.Completed)
	p.reserve("usr_carol", s.cancelledID, best("Floor", 1))
	_, err = p.CancelEvent(ctx, organizer, s.cancelledID, "rain")
	require.NoError(p.t, err)
	require.NoError(p.t, p.WindUpEvent(ctx, saga, s.cancelledID))
	for _, paymentID := range []string{refunded, unlucky} {
		require.NoError(p.t, p.ExecuteRefund(ctx, saga, paymentID, p.refundOf(paymentID)))
	}
	_, err = p.CloseSales(ctx, organizer, s.eventID)
	require.NoError(p.t, err)
	p.exec(p.events, `UPDATE saga_cursor SET position = (SELECT max(position) FROM domain_events)`)
	return s
}

func (p *platform) refundOf(paymentID string) (id string) {
	p.t.Helper()
	require.NoError(p.t, p.events.QueryRow(p.t.Context(),
		`SELECT data->>'refundId' FROM domain_events WHERE stream_id = $1 AND type = 'RefundRequested'`, payment.Stream(paymentID)).Scan(&id))
	return id
}

// project fills the read tables from the log, and says what relay and projectors say when they have come to its end.
func (p *platform) project() {
	p.t.Helper()
	p.rebuild()
	p.exec(p.events, `INSERT INTO relay_cursor (shard, incarnation, position)
		SELECT 0, incarnation, (SELECT max(position) FROM domain_events) FROM log_incarnation`)
	projections := map[string][]string{
		event.Category: {"events"}, inventory.Category: {"availability"}, reservation.Category: {"reservations", "sales", "customers"},
		payment.Category: {"payments", "sales", "customers"},
	}
	for category, topic := range topics {
		p.exec(p.events, `INSERT INTO relay_partitions (topic, partition, last_offset, last_position, refills) VALUES ($1, 0, 41, 1, 0), ($1, 1, -1, 0, 0)`, topic)
		p.exec(p.read, `INSERT INTO projection_checkpoints (projection, topic, partition, next_offset, position, incarnation, generation)
			SELECT unnest($1::text[]), $2, 0, 42, 1, '', 1`, projections[category], topic)
	}
}

// rebuild fills the read tables anew.
func (p *platform) rebuild() {
	p.t.Helper()
	cfg := projector.Config{Events: p.events, Read: p.read, Topics: topics, Registry: catalog.Registry(), Logger: slog.New(slog.DiscardHandler)}
	for _, name := range projector.Names() {
		require.NoError(p.t, projector.Rebuild(p.t.Context(), cfg, name))
	}
}

func (p *platform) exec(db *pgxpool.Pool, statement string, args ...any) {
	p.t.Helper()
	_, err := db.Exec(p.t.Context(), statement, args...)
	require.NoError(p.t, err)
}

func (p *platform) verify() *verify.Report {
	p.t.Helper()
	report, err := verify.Run(p.t.Context(), verify.Options{
		Events: p.events, Read: p.read, Registry: catalog.Registry(), Topics: topics, Wait: 50 * time.Millisecond, Show: 20,
	})
	require.NoError(p.t, err)
	return report
}

// requireFound wants exactly one finding, of that kind, about that.
func requireFound(t *testing.T, r *verify.Report, kind verify.Kind, table, key, column string) verify.Finding {
	t.Helper()
	i := slices.IndexFunc(r.Findings, func(f verify.Finding) bool {
		return f.Kind == kind && f.Table == table && f.Key == key && f.Column == column
	})
	require.GreaterOrEqual(t, i, 0, "%v", r.Findings)
	return r.Findings[i]
}
