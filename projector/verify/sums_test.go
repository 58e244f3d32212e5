package verify_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ticketing/command"
	"ticketing/command/catalog"
	"ticketing/command/commandtest"
	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/command/gateway"
	"ticketing/command/gateway/sandbox"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/rejection"
	"ticketing/command/reservation"
	"ticketing/internal/id"
	"ticketing/internal/money"
	"ticketing/internal/testenv"
	"ticketing/projector/availability"
	"ticketing/projector/customers"
	"ticketing/projector/events"
	"ticketing/projector/payments"
	"ticketing/projector/projection"
	"ticketing/projector/readtest"
	"ticketing/projector/reservations"
	"ticketing/projector/sales"
	"ticketing/projector/tables"
	"ticketing/projector/verify"
)

// bank is the sandbox, with a dashboard for refunds and disputes.
type bank struct {
	*sandbox.Gateway
	dashboard map[string][]gateway.Reversal // by payment
}

func (b *bank) Reversals(ctx context.Context, p gateway.Payment) ([]gateway.Reversal, error) {
	reversals, err := b.Gateway.Reversals(ctx, p)
	return append(reversals, b.dashboard[p.ID]...), err
}

// market is one run of the property: an event, its customers and their bank, and read tables that records reach in any way.
type market struct {
	*world
	bank  *bank
	clock *testenv.Clock
	reads *readtest.World

	number       int // of the run
	began        int64
	eventID      string
	reservations []command.Reservation
	payments     []string
}

// newMarkets returns what makes the markets of all runs, which share the databases: each has an event and customers of its own.
func newMarkets(t *testing.T) func(t *rapid.T) *market {
	urls := testenv.Databases(t)
	pool := testenv.OpenPool(t, urls.Events)
	read := testenv.OpenPool(t, urls.Read)
	b := &bank{Gateway: sandbox.New(pool), dashboard: map[string][]gateway.Reversal{}}
	w := &world{t: t, Story: &commandtest.Story{System: commandtest.New(t, commandtest.Config{
		Database: urls.Events, Gateway: b, Hold: 10 * time.Minute,
	})}, read: read}
	cfg := tables.Config{Events: w.Pool, Read: read, Registry: catalog.Registry(), Logger: slog.New(slog.DiscardHandler)}
	clock, runs := testenv.NewStoppedClock(t, urls.Events, time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)), 0
	return func(t *rapid.T) *market {
		runs++
		m := &market{world: w, bank: b, clock: clock, number: runs, reads: &readtest.World{T: w.t, Tables: cfg}}
		head, err := eventstore.ReadHead(context.Background(), w.Pool)
		require.NoError(t, err)
		m.began = head.Position
		m.eventID = m.OnSale(t, event.Create{StartsAt: clock.Now().Add(10_000 * time.Hour), PaymentAttempts: 2, TimeZone: "America/New_York"},
			commandtest.Standing("Floor", 12, 25_00), commandtest.Seated("Stalls", 45_51, inventory.Row{Name: "A", Seats: 6}),
			commandtest.Standing("Lawn", 5, 0))
		return m
	}
}

// Whatever customers, organizers, the saga and banks do, and however often and in whatever order its records are delivered: the sums of
// what was sold and spent are those of the log, to the cent.
func TestSumsAreThoseOfTheLogWhateverHappens(t *testing.T) {
	t.Parallel()
	next, started, known := newMarkets(t), false, map[verify.Finding]bool{}
	rapid.Check(t, func(t *rapid.T) {
		m := next(t)
		m.buyFirst(t)
		acts := []func(*rapid.T){
			m.buy, m.pay, m.settle, m.expire, m.passTime, m.refundAmount, m.refundAmount, m.refundTickets, m.refundTickets, m.refundTickets,
			m.executeRefunds, m.executeRefunds, m.refundAtBank, m.dispute, m.dispute, m.sendBack, m.chargeLate, m.cancelEvent, m.deliver, m.deliver,
		}
		for range rapid.IntRange(1, 20).Draw(t, "acts") {
			rapid.SampledFrom(acts).Draw(t, "act")(t)
		}
		m.deliverAll(t)
		if !started {
			started = true
			m.recordProgress()
		}
		m.exec(m.Pool, `UPDATE relay_cursor SET position = (SELECT max(position) FROM domain_events)`)
		m.exec(m.Pool, `INSERT INTO saga_positions (shard, position) SELECT 0, max(position) FROM domain_events`)
		for _, f := range m.verify(func(c *verify.Config) { c.Show = 1000 }).Findings {
			if !known[f] { // of this run, and not of one that failed before it
				known[f] = true
				t.Errorf("%+v", f)
			}
		}
	})
}

// requireOutcome requires a call to have succeeded, or to have been refused or put off as it may be.
func requireOutcome(t *rapid.T, err error) (accepted bool) {
	if _, rejected := rejection.As(err); rejected || errors.Is(err, command.ErrRefundPending) || errors.Is(err, command.ErrStillProcessing) {
		t.Logf("no: %v", err)
		return false
	}
	require.NoError(t, err)
	return true
}

var (
	sagaCaller    = commandtest.Part("saga")
	webhookCaller = commandtest.Part("webhook")
)

// buyFirst makes a purchase of which much can be refunded.
func (m *market) buyFirst(t *rapid.T) {
	by := commandtest.User(fmt.Sprintf("usr_%d_a", m.number))
	r := m.Reserve(t, by, m.eventID, commandtest.Tickets("Floor", 2), commandtest.Tickets("Stalls", 3))
	m.reservations, m.payments = append(m.reservations, r), append(m.payments, m.Pay(t, by, r.ID, "pm_card_visa").ID)
}

func (m *market) buy(t *rapid.T) {
	by := commandtest.User(fmt.Sprintf("usr_%d_%s", m.number, rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "customer")))
	var items []inventory.ReserveItem
	for _, section := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"Floor", "Stalls", "Lawn"}), 1, 3, rapid.ID).Draw(t, "sections") {
		items = append(items, commandtest.Tickets(section, rapid.IntRange(1, 2).Draw(t, "tickets")))
	}
	r, err := m.ReserveSeats(context.Background(), by, command.ReserveSeats{EventID: m.eventID, Items: items})
	if requireOutcome(t, err) {
		m.reservations = append(m.reservations, r)
		m.payFor(t, r)
	}
}

func (m *market) pay(t *rapid.T) {
	if len(m.reservations) > 0 {
		m.payFor(t, rapid.SampledFrom(m.reservations).Draw(t, "reservation"))
	}
}

func (m *market) payFor(t *rapid.T, r command.Reservation) {
	card := rapid.SampledFrom([]string{
		"pm_card_visa", "pm_card_visa", "pm_card_visa", "pm_card_pendingRefund", "pm_card_refundFail", "pm_card_chargeDeclined",
		"pm_card_authenticationRequired", "pm_sandbox_timeout", "",
	}).Draw(t, "card")
	if card == "" && r.Total.Minor > 0 {
		return
	}
	t.Logf("%s pays %s for %s with %s", r.CustomerID, r.Total, r.ID, card)
	paid, err := m.ProcessPayment(context.Background(), commandtest.User(r.CustomerID), command.ProcessPayment{ReservationID: r.ID, CardToken: card})
	requireOutcome(t, err)
	if paid.Payment != nil {
		m.payments = append(m.payments, paid.Payment.ID)
	}
}

// anyPayment returns a payment in the state that it has now: the first one more often than others, so that much happens to it.
func (m *market) anyPayment(t *rapid.T) (p command.Payment, ok bool) {
	if len(m.payments) == 0 {
		return p, false
	}
	among := m.payments
	if rapid.Bool().Draw(t, "the first") {
		among = among[:1]
	}
	purchase, err := m.PurchaseOfPayment(context.Background(), rapid.SampledFrom(among).Draw(t, "payment"))
	require.NoError(t, err)
	return *purchase.Payment, true
}

// settle finds out what became of a payment.
func (m *market) settle(t *rapid.T) {
	if p, ok := m.anyPayment(t); ok && rapid.Bool().Draw(t, "by the customer") {
		_, err := m.ConfirmPayment(context.Background(), commandtest.User(p.CustomerID), p.ID)
		requireOutcome(t, err)
	} else if ok {
		requireOutcome(t, m.ReconcilePayment(context.Background(), sagaCaller, p.ID))
	}
}

func (m *market) expire(t *rapid.T) {
	for _, r := range m.reservations {
		requireOutcome(t, m.ExpireHold(context.Background(), sagaCaller, r.ID))
	}
}

func (m *market) passTime(t *rapid.T) {
	m.clock.Move(rapid.SampledFrom([]time.Duration{time.Minute, 11 * time.Minute, 20 * time.Hour}).Draw(t, "time"))
}

func (m *market) refundAmount(t *rapid.T) {
	if p, ok := m.anyPayment(t); ok {
		in := command.RefundPayment{PaymentID: p.ID}
		if left := p.RefundableMinor(); left > 0 && rapid.Bool().Draw(t, "a part") {
			in.Amount = &money.Money{Minor: rapid.Int64Range(1, left).Draw(t, "minor"), Currency: "EUR"}
		}
		m.requestRefund(t, in)
	}
}

func (m *market) refundTickets(t *rapid.T) {
	if p, ok := m.anyPayment(t); ok {
		purchase, err := m.Purchase(context.Background(), p.ReservationID)
		require.NoError(t, err)
		ordinals := rapid.SliceOfNDistinct(rapid.IntRange(0, len(purchase.Reservation.Seats)-1), 1, 2, rapid.ID).Draw(t, "tickets")
		m.requestRefund(t, command.RefundPayment{
			PaymentID: p.ID, Tickets: projection.Column(ordinals, func(ordinal int) string { return id.Ticket(p.ReservationID, ordinal) }),
		})
	}
}

func (m *market) requestRefund(t *rapid.T, in command.RefundPayment) {
	refunding, err := m.RefundPayment(context.Background(), commandtest.Organizer, in)
	if requireOutcome(t, err) && rapid.Bool().Draw(t, "at once") {
		requireOutcome(t, m.ExecuteRefund(context.Background(), sagaCaller, in.PaymentID, refunding.Refund.ID))
	}
}

// executeRefunds carries out what was requested, and requests anew what the bank refused.
func (m *market) executeRefunds(t *rapid.T) {
	p, ok := m.anyPayment(t)
	if !ok {
		return
	}
	for _, refund := range p.Refunds {
		if refund.Status == payment.RefundRefused {
			_, err := m.RetryRefund(context.Background(), commandtest.Organizer, command.RetryRefund{PaymentID: p.ID, RefundID: refund.ID})
			requireOutcome(t, err)
		}
		requireOutcome(t, m.ExecuteRefund(context.Background(), sagaCaller, p.ID, refund.ID))
	}
}

// hear has the bank tell the news of a payment.
func (m *market) hear(t *rapid.T, paymentID string) {
	requireOutcome(t, m.RecordWebhook(context.Background(), webhookCaller, command.Hint{Gateway: sandbox.Name, PaymentID: paymentID, Reversals: true}))
}

// refundAtBank makes a refund in the bank's dashboard.
func (m *market) refundAtBank(t *rapid.T) {
	if p, ok := m.anyPayment(t); ok && p.CompletedAt != nil && p.RefundableMinor() > 0 {
		made := m.bank.dashboard[p.ID]
		m.bank.dashboard[p.ID] = append(made, gateway.Reversal{
			ID: fmt.Sprint("re_", len(made), p.ID), Status: gateway.ReversalDone,
			Amount: money.Money{Minor: rapid.Int64Range(1, p.RefundableMinor()).Draw(t, "minor"), Currency: "EUR"},
		})
		m.hear(t, p.ID)
	}
}

// dispute opens a dispute, or closes the one that is open.
func (m *market) dispute(t *rapid.T) {
	p, ok := m.anyPayment(t)
	if !ok || p.CompletedAt == nil {
		return
	}
	made := m.bank.dashboard[p.ID]
	for i := range made {
		if made[i].Dispute && made[i].Status == gateway.ReversalPending {
			made[i].Status = rapid.SampledFrom([]gateway.ReversalStatus{gateway.ReversalDone, gateway.ReversalFailed}).Draw(t, "outcome")
			if made[i].Status == gateway.ReversalDone && rapid.Bool().Draw(t, "the half of it") {
				made[i].Amount.Minor = (made[i].Amount.Minor + 1) / 2
			}
			m.hear(t, p.ID)
			return
		}
	}
	m.bank.dashboard[p.ID] = append(made, gateway.Reversal{
		ID: fmt.Sprint("dp_", len(made), p.ID), Dispute: true, Status: gateway.ReversalPending, Reason: "fraudulent",
		Amount: money.Money{Minor: rapid.Int64Range(1, p.Amount.Minor).Draw(t, "minor"), Currency: "EUR"},
	})
	m.hear(t, p.ID)
}

// sendBack has the customer's bank send refunds back.
func (m *market) sendBack(t *rapid.T) {
	if p, ok := m.anyPayment(t); ok {
		m.exec(m.Pool, `UPDATE sandbox_refunds SET status = 'failed', reason = 'account closed' WHERE transaction_id = $1 AND status = 'succeeded'`, p.TransactionID)
		m.hear(t, p.ID)
	}
}

// chargeLate has the bank charge what it had refused.
func (m *market) chargeLate(t *rapid.T) {
	if p, ok := m.anyPayment(t); ok {
		m.exec(m.Pool, `UPDATE sandbox_payments SET status = 'succeeded' WHERE payment_id = $1 AND transaction_id IS NOT NULL`, p.ID)
		m.hear(t, p.ID)
	}
}

func (m *market) cancelEvent(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "cancel the event") < 3 {
		return
	}
	_, err := m.CancelEvent(context.Background(), commandtest.Organizer, m.eventID, "rain")
	if requireOutcome(t, err) {
		requireOutcome(t, m.WindUpEvent(context.Background(), sagaCaller, m.eventID, command.AllVersions))
	}
}

// records returns what happened in this run, of these categories.
func (m *market) records(t *rapid.T, categories ...string) (records []projection.Record) {
	recorded, err := eventstore.ReadAll(context.Background(), m.Pool, m.began, math.MaxInt32)
	require.NoError(t, err)
	for _, one := range recorded {
		if r := projection.Decode(catalog.Registry(), one); slices.Contains(categories, r.Category()) {
			records = append(records, r)
		}
	}
	return records
}

// deliver delivers a part of what happened, for the first time or once more, in order or not.
func (m *market) deliver(t *rapid.T) {
	records := m.records(t, reservation.Category, payment.Category)
	from := rapid.IntRange(0, max(0, len(records)-1)).Draw(t, "from")
	part := records[from:rapid.IntRange(from, len(records)).Draw(t, "to")]
	if seed := rapid.Uint64().Draw(t, "order"); seed != 0 {
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
	}
	t.Logf("%d to %d of %d are delivered", from, from+len(part), len(records))
	for _, p := range []projection.Projection{sales.Projection{}, customers.Projection{}} {
		m.reads.Project(p, part...)
	}
}

// deliverAll delivers everything.
func (m *market) deliverAll(t *rapid.T) {
	m.deliver(t)
	for _, p := range []projection.Projection{
		sales.Projection{}, customers.Projection{}, events.Projection{}, availability.Projection{}, reservations.Projection{}, payments.Projection{},
	} {
		m.reads.Project(p, m.records(t, p.Categories()...)...)
	}
}
