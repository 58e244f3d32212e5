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
	occasions  = 20 // events that the purchases are for
	sectionsOf = 5  // sections of each
	underWay   = 64 // purchases that are under way at the same time
	refundEach = 20 // one in so many gives a ticket back
)

// fact is a domain event on its way into a log.
type fact struct {
	stream string
	actor  string
	event  any
}

// purchases makes up a season's log: each purchase is two tickets, reserved, paid for and confirmed, in eight domain events of three streams;
// now and then one ticket is given back. Many are under way at once, so that their records lie between each other's.
type purchases struct {
	eventIDs  []string
	customers []string
	made      int
	queue     []fact
	at        time.Time
}

func newPurchases(customers []string) *purchases {
	p := &purchases{customers: customers, at: time.Now().UTC().Add(-24 * time.Hour).Truncate(time.Microsecond)}
	for i := range occasions {
		p.open(i)
	}
	return p
}

// newCustomers makes up people who take turns.
func newCustomers(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = id.New(id.User)
	}
	return ids
}

func sectionOf(i int) string { return sectionName + " " + strconv.Itoa(i%sectionsOf) }

func price() money.Money { return money.Money{Minor: 7_900, Currency: "EUR"} }

// open puts an event on sale.
func (p *purchases) open(i int) {
	eventID, organizer := id.New(id.Event), id.New(id.User)
	p.eventIDs = append(p.eventIDs, eventID)
	for _, e := range []any{
		event.EventCreated{
			OrganizerID: organizer, Name: "Night " + strconv.Itoa(i), Venue: "Town hall", StartsAt: p.at.AddDate(1, 0, 0),
			MaxTicketsPerReservation: 8, PaymentAttempts: 1, CreatedAt: p.at,
		}, event.EventPublished{}, event.SalesOpened{},
	} {
		p.queue = append(p.queue, fact{event.Stream(eventID), organizer, e})
	}
	for section := range sectionsOf {
		p.queue = append(p.queue, fact{inventory.Stream(eventID), organizer, inventory.InventoryAdded{
			Section: sectionOf(section), Price: price(), Capacity: inventory.MostCapacity,
		}})
	}
}

// next answers the next fact.
func (p *purchases) next() fact {
	if len(p.queue) == 0 {
		p.fill()
	}
	f := p.queue[0]
	p.queue = p.queue[1:]
	return f
}

// fill queues some purchases, step by step.
func (p *purchases) fill() {
	stories := make([][]fact, underWay)
	longest := 0
	for i := range stories {
		stories[i] = p.purchase()
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

func (p *purchases) purchase() []fact {
	n := p.made
	p.made++
	p.at = p.at.Add(10 * time.Millisecond)
	eventID, customer := p.eventIDs[n%len(p.eventIDs)], p.customers[n%len(p.customers)]
	reservationID, paymentID := id.New(id.Reservation), id.New(id.Payment)
	items := []inventory.Item{{Section: sectionOf(n), Quantity: perCommand}}
	seat := reservation.Seat{Section: sectionOf(n), Price: price()}
	total := money.Money{Minor: perCommand * price().Minor, Currency: price().Currency}
	sold := inventory.SeatsReserved{ReservationID: reservationID, CustomerID: customer, Items: items}
	stock, bought, paid := inventory.Stream(eventID), reservation.Stream(reservationID), payment.Stream(paymentID)
	story := []fact{
		{stock, customer, sold},
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
		{stock, customer, inventory.SeatsConfirmed(sold)},
	}
	if n%refundEach == 0 {
		refundID := id.New(id.Refund)
		story = append(story,
			fact{paid, "system:bench", payment.RefundRequested{RefundID: refundID, Amount: price(), Reason: "ill", RequestedAt: p.at}},
			fact{paid, "system:bench", payment.PaymentRefunded{RefundID: refundID, Amount: price(), RefundedAt: p.at}})
	}
	return story
}

// write appends n domain events by COPY, as no engine is needed for what nobody decides.
func (p *purchases) write(ctx context.Context, pool *pgxpool.Pool, n int) error {
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
		f := p.next()
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
