package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"ticketing/internal/apiclient"
	"ticketing/internal/wait"
)

// sale is the story: one event, and customers who want more tickets than it has.
type sale struct {
	visitor, organizer *apiclient.Client // the visitor is signed out
	event              event
	customers          []*customer
	counts             watch // of the event's sections
	board              *board
	watchers           sync.WaitGroup
}

// signInAll signs the organizer in, and a customer for each plan, a few at a time. Their addresses are the same in each run, so that runs leave
// few users behind.
func (s *sale) signInAll(ctx context.Context, admin string, plans []plan) (err error) {
	if s.organizer, _, err = s.visitor.SignIn(ctx, admin); err != nil {
		return fmt.Errorf("%w\nThe server must run in development, as it does under make run", err)
	}
	s.customers = make([]*customer, len(plans))
	var done atomic.Int64
	crowd, ctx := errgroup.WithContext(ctx)
	crowd.SetLimit(4)
	for i, p := range plans {
		crowd.Go(func() (err error) {
			c := &customer{name: fmt.Sprintf("customer%03d@example.com", i+1), plan: p, stage: toCome}
			c.client, _, err = s.visitor.SignIn(ctx, c.name)
			s.customers[i] = c
			s.board.setPhase(fmt.Sprintf("signing in: %d of %d customers", done.Add(1), len(plans)))
			return err
		})
	}
	return crowd.Wait()
}

// open creates the event, adds its sections and puts it on sale.
func (s *sale) open(ctx context.Context, admin string) error {
	var created results
	err := s.organizer.Mutate(ctx, "createEvent", "event { id }", input{
		"name": "The Night Shift, live", "venue": "Old Gasworks", "description": "Played by go run ./cmd/demo.",
		"startsAt": time.Now().AddDate(0, 1, 0).UTC().Format(time.RFC3339), "maxTicketsPerCustomer": 8, "paymentAttempts": 1, "idempotencyKey": rand.Text(),
	}, &created)
	if err != nil {
		return fmt.Errorf("create the event (%s must be one of the server's ADMIN_EMAILS): %w", admin, err)
	}
	id, rows := created.Event.ID, make([]input, balconyRows(len(s.customers)))
	for i := range rows {
		rows[i] = input{"row": strconv.Itoa(i + 1), "seats": seatsPerRow}
	}
	var opened struct{ OpenSales struct{ Event event } }
	err = s.organizer.Execute(ctx, apiclient.Operation{Name: "openSales", Document: openSales, Variables: input{
		"floor":   input{"eventId": id, "section": floor, "price": input{"amount": "45.00", "currencyCode": "EUR"}, "capacity": floorCapacity(len(s.customers))},
		"balcony": input{"eventId": id, "section": balcony, "price": input{"amount": "79.50", "currencyCode": "EUR"}, "rows": rows},
		"event":   input{"eventId": id},
	}}, &opened)
	if err != nil {
		return fmt.Errorf("open sales: %w", err)
	}
	s.event = opened.OpenSales.Event
	s.board.update(func() {
		s.board.phase, s.board.sections, s.board.stages[toCome] = "on sale", s.event.Sections, len(s.customers)
	})
	return nil
}

// playRush lets the customers come and waits until all have gone. Subscriptions go on until ctx ends.
func (s *sale) playRush(ctx context.Context) {
	s.follow(ctx, s.visitor, watchAvailability, s.event.ID, &s.counts)
	var crowd sync.WaitGroup
	for _, c := range s.customers {
		crowd.Go(func() { s.visit(ctx, c) })
	}
	crowd.Wait()
}

// visit is one customer's story.
func (s *sale) visit(ctx context.Context, c *customer) {
	if wait.For(ctx, c.plan.arrives) != nil {
		return
	}
	s.move(c, shopping, nil)
	if err := s.reserveSeats(ctx, c, c.plan.items); err != nil {
		s.move(c, soldOut, err)
		return
	}
	if c.plan.watches {
		s.follow(ctx, c.client, watchReservation, c.reservation.ID, &c.watch)
	}
	if wait.For(ctx, c.plan.thinks) != nil {
		return
	}
	switch c.plan.end {
	case holding:
		s.move(c, holding, nil)
	case cancelled:
		why := input{"reservationId": c.reservation.ID, "reason": "changed my mind", "idempotencyKey": rand.Text()}
		s.move(c, cancelled, c.client.Mutate(ctx, "cancelReservation", "", why, nil))
	default:
		s.pay(ctx, c)
	}
}

// reserveSeats asks for items and, if they are gone, for two tickets in the section that has most left.
func (s *sale) reserveSeats(ctx context.Context, c *customer, items []input) error {
	var reserved results
	err := c.client.Mutate(ctx, "reserveSeats", "reservation { id version expiresAt }", input{
		"eventId": s.event.ID, "items": items, "idempotencyKey": rand.Text(),
	}, &reserved)
	c.reservation = reserved.Reservation
	s.board.addOutcome("reserved", err)
	best := s.board.emptiestSection()
	if isSoldOut(err) && best.Available > 0 && c.stage == shopping {
		s.move(c, secondChoice, nil)
		return s.reserveSeats(ctx, c, []input{{"section": best.Name, "quantity": min(2, best.Available)}})
	}
	return err
}

func isSoldOut(err error) bool {
	return apiclient.CodeOf(err) == "INSUFFICIENT_INVENTORY" || apiclient.CodeOf(err) == "SEAT_UNAVAILABLE"
}

// pay brings one payment to its end, by way of the bank's page if the card's bank asks for that.
func (s *sale) pay(ctx context.Context, c *customer) {
	s.move(c, paying, nil)
	var bought results
	err := c.client.Mutate(ctx, "processPayment", "payment { id status }", input{
		"reservationId": c.reservation.ID, "method": input{"card": input{"token": c.plan.card}}, "idempotencyKey": rand.Text(),
	}, &bought)
	if err == nil && bought.Payment.Status == "REQUIRES_ACTION" {
		// A shop's page would give the nextAction's client secret to Stripe.js here.
		s.board.addOutcome("authenticated by the bank", nil)
		_ = wait.For(ctx, c.plan.thinks)
		err = c.client.Mutate(ctx, "confirmPayment", "payment { id status }",
			input{"paymentId": bought.Payment.ID, "idempotencyKey": rand.Text()}, &bought)
	}
	switch {
	case apiclient.CodeOf(err) == "PAYMENT_DECLINED":
		s.move(c, declined, nil)
	case err != nil || bought.Payment.Status == "COMPLETED":
		s.move(c, paid, err)
	} // otherwise the server keeps asking the gateway, and readReservation learns the outcome
}

// move brings a customer to a stage, or to another one because of an error.
func (s *sale) move(c *customer, to stage, err error) {
	switch {
	case apiclient.CodeOf(err) == "RESERVATION_EXPIRED": // RESERVATION_HOLD is shorter than the customer thinks
		to = expired
	case err != nil && !isSoldOut(err):
		to, c.failure = failed, err
	}
	s.board.update(func() {
		s.board.stages[c.stage]--
		s.board.stages[to]++
	})
	c.stage = to
}

// follow subscribes to an event's counts or to a reservation, as a page that shows them would, and keeps the latest state.
func (s *sale) follow(ctx context.Context, client *apiclient.Client, document, id string, w *watch) {
	s.watchers.Go(func() {
		s.board.update(func() { s.board.streams++ })
		err := client.Subscribe(ctx, apiclient.Operation{Document: document, Variables: input{"id": id}}, func(data json.RawMessage) {
			var state results
			err := json.Unmarshal(data, &state)
			s.board.update(func() {
				s.board.states++
				w.receive(state, err)
				if state.Availability.ID != "" {
					s.board.sections = state.Availability.Sections
				}
			})
		})
		s.board.update(func() {
			s.board.streams--
			w.failure = cmp.Or(w.failure, err)
		})
	})
}
