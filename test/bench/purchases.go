package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/command/catalog"
	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/id"
	"ticketing/internal/money"
)

const (
	purchaseEvents   = 20 // events of the purchases
	sectionsPerEvent = 5  // sections of each event
	underWay         = 64 // simultaneous purchases
	refundEach       = 20 // one in so many refunds a ticket
)

// loggedEvent is a domain event to append.
type loggedEvent struct {
	stream string
	actor  string
	event  any
}

// purchases generates a season's log: each purchase is two tickets, reserved, paid for and confirmed, in eight domain events of three streams;
// some refund one ticket. Many run at once, so that their records are interleaved.
type purchases struct {
	eventIDs  []string
	customers []string
	made      int
	queue     []loggedEvent
	at        time.Time
}

func newPurchases(customers []string) *purchases {
	p := &purchases{customers: customers, at: time.Now().UTC().Add(-24 * time.Hour).Truncate(time.Microsecond)}
	for i := range purchaseEvents {
		p.openEvent(i)
	}
	return p
}

// newCustomers returns new customers' ids.
func newCustomers(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = id.New(id.User)
	}
	return ids
}

func sectionOf(i int) string { return sectionName + " " + strconv.Itoa(i%sectionsPerEvent) }

func ticketPrice() money.Money { return money.Money{Minor: 7_900, Currency: "EUR"} }

// openEvent queues the domain events of an event on sale.
func (p *purchases) openEvent(i int) {
	eventID, organizer := id.New(id.Event), id.New(id.User)
	p.eventIDs = append(p.eventIDs, eventID)
	for _, e := range []any{
		event.EventCreated{
			OrganizerID: organizer, Name: "Night " + strconv.Itoa(i), Venue: "Town hall", StartsAt: p.at.AddDate(1, 0, 0),
			MaxTicketsPerReservation: 8, PaymentAttempts: 1, CreatedAt: p.at,
		}, event.EventPublished{}, event.SalesOpened{},
	} {
		p.queue = append(p.queue, loggedEvent{event.Stream(eventID), organizer, e})
	}
	for section := range sectionsPerEvent {
		p.queue = append(p.queue, loggedEvent{inventory.Stream(eventID), organizer, inventory.InventoryAdded{
			Section: sectionOf(section), Price: ticketPrice(), Capacity: inventory.MostCapacity,
		}})
	}
}

// nextFact returns the next domain event.
func (p *purchases) nextFact() loggedEvent {
	if len(p.queue) == 0 {
		p.queuePurchases()
	}
	f := p.queue[0]
	p.queue = p.queue[1:]
	return f
}

// queuePurchases queues some purchases, interleaved.
func (p *purchases) queuePurchases() {
	stories := make([][]loggedEvent, underWay)
	longest := 0
	for i := range stories {
		stories[i] = p.newPurchase()
		longest = max(longest, len(stories[i]))
	}
	for step := range longest {
		for _, story := range stories {
			if step < len(story) {
				p.queue = append(p.queue, story[step])
			}
		}
	}
}

func (p *purchases) newPurchase() []loggedEvent {
	n := p.made
	p.made++
	p.at = p.at.Add(10 * time.Millisecond)
	eventID, customer := p.eventIDs[n%len(p.eventIDs)], p.customers[n%len(p.customers)]
	reservationID, paymentID := id.New(id.Reservation), id.New(id.Payment)
	items := []inventory.Item{{Section: sectionOf(n), Quantity: perCommand}}
	seat := reservation.Seat{Section: sectionOf(n), Price: ticketPrice()}
	total := money.Money{Minor: perCommand * ticketPrice().Minor, Currency: ticketPrice().Currency}
	sold := inventory.SeatsReserved{ReservationID: reservationID, CustomerID: customer, Items: items}
	seats, bought, paid := inventory.Stream(eventID), reservation.Stream(reservationID), payment.Stream(paymentID)
	story := []loggedEvent{
		{seats, customer, sold},
		{bought, customer, reservation.ReservationInitiated{
			EventID: eventID, CustomerID: customer, Seats: []reservation.Seat{seat, seat}, Total: total, PaymentAttempts: 1,
			CreatedAt: p.at, ExpiresAt: p.at.Add(hold),
		}},
		{paid, customer, payment.PaymentInitiated{
			ReservationID: reservationID, CustomerID: customer, EventID: eventID, Amount: total, Gateway: "sandbox", Method: "card", CreatedAt: p.at,
		}},
		{bought, customer, reservation.PaymentRequested{PaymentID: paymentID, ExpiresAt: p.at.Add(2 * hold)}},
		{paid, customer, payment.PaymentProcessing{TransactionID: "sbx_" + paymentID}},
		{paid, customer, payment.PaymentCompleted{TransactionID: "sbx_" + paymentID, CompletedAt: p.at}},
		{bought, customer, reservation.ReservationCompleted{PaymentID: paymentID, CompletedAt: p.at}},
		{seats, customer, inventory.SeatsConfirmed(sold)},
	}
	if n%refundEach == 0 {
		refundID := id.New(id.Refund)
		story = append(story,
			loggedEvent{paid, "system:bench", payment.RefundRequested{RefundID: refundID, Amount: ticketPrice(), Reason: "ill", RequestedAt: p.at}},
			loggedEvent{paid, "system:bench", payment.PaymentRefunded{RefundID: refundID, Amount: ticketPrice(), RefundedAt: p.at}})
	}
	return story
}

// writeLog appends n domain events by COPY: without decisions, no engine is needed.
func (p *purchases) writeLog(ctx context.Context, pool *pgxpool.Pool, n int) error {
	head, err := eventstore.ReadHead(ctx, pool)
	if err != nil {
		return err
	}
	registry, versions := catalog.Registry(), map[string]int64{}
	columns := []string{"shard", "position", "stream_id", "version", "type", "schema_version", "data", "metadata", "recorded_at"}
	until := head.Position + int64(n)
	_, err = pool.CopyFrom(ctx, pgx.Identifier{"domain_events"}, columns, pgx.CopyFromFunc(func() ([]any, error) {
		if head.Position >= until {
			return nil, nil
		}
		head.Position++
		f := p.nextFact()
		versions[f.stream]++
		name, schemaVersion, data, err := registry.Encode(f.event)
		if err != nil {
			return nil, err
		}
		metadata, err := json.Marshal(eventstore.Metadata{
			CorrelationID: "req-bench", CausationID: "req-bench", Actor: f.actor, Traceparent: traceparent, Incarnation: head.Incarnation,
		})
		return []any{eventstore.Shard, head.Position, f.stream, versions[f.stream], name, schemaVersion, data, metadata, p.at}, err
	}))
	if err != nil {
		return fmt.Errorf("fill the log: %w", err)
	}
	if _, err := pool.Exec(ctx, `ANALYZE domain_events`); err != nil {
		return fmt.Errorf("analyze the log: %w", err)
	}
	return nil
}
