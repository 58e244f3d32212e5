package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	ticketing "ticketing/clients/go"
	"ticketing/clients/go/api"
	"ticketing/internal/wait"
)

// sale is the story: one event, and customers who want more tickets than it has.
type sale struct {
	visitor, organizer *ticketing.Client // the visitor is signed out
	event              api.Event
	customers          []*customer
	counts             watch[api.Event] // of the event's sections
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
	created, err := api.CreateEvent(ctx, s.organizer, api.CreateEventInput{
		Name: "The Night Shift, live", Venue: "Old Gasworks", Description: new("Played by go run ./cmd/demo."),
		StartsAt: time.Now().AddDate(0, 1, 0).UTC(), MaxTicketsPerCustomer: new(8), PaymentAttempts: 1,
	})
	if err != nil {
		return fmt.Errorf("create the event (%s must be one of the server's ADMIN_EMAILS): %w", admin, err)
	}
	if err = s.addSections(ctx, created.CreateEvent.Event.Id); err != nil {
		return fmt.Errorf("open sales: %w", err)
	}
	if err = s.awaitShown(ctx); err != nil {
		return fmt.Errorf("read the event: %w", err)
	}
	s.board.update(func() {
		s.board.phase, s.board.sections, s.board.stages[toCome] = "on sale", s.event.Sections, len(s.customers)
	})
	return nil
}

func (s *sale) addSections(ctx context.Context, eventID string) error {
	rows := make([]api.SeatRowInput, balconyRows(len(s.customers)))
	for i := range rows {
		rows[i] = api.SeatRowInput{Row: strconv.Itoa(i + 1), Seats: seatsPerRow}
	}
	euros := func(amount string) api.MoneyInput { return api.MoneyInput{Amount: amount, CurrencyCode: "EUR"} }
	for _, section := range []api.AddInventoryInput{
		{EventId: eventID, Section: floor, Price: euros("45.00"), Capacity: new(floorCapacity(len(s.customers)))},
		{EventId: eventID, Section: balcony, Price: euros("79.50"), Rows: rows},
	} {
		if _, err := api.AddInventory(ctx, s.organizer, section); err != nil {
			return err
		}
	}
	if _, err := api.PublishEvent(ctx, s.organizer, api.EventIDInput{EventId: eventID}); err != nil {
		return err
	}
	opened, err := api.OpenSales(ctx, s.organizer, api.EventIDInput{EventId: eventID})
	if err == nil {
		s.event = *opened.OpenSales.Event
		s.visitor = s.organizer.WithToken("") // who sees the open sales
	}
	return err
}

// awaitShown waits until visitors can see the event: a subscription of an event that is not read yet ends with NOT_FOUND.
func (s *sale) awaitShown(ctx context.Context) error {
	for {
		found, err := api.GetEvent(ctx, s.visitor, s.event.Id)
		if err != nil || found.Event != nil && found.Event.InventoryVersion > 0 {
			return err
		}
		_ = wait.For(ctx, 100*time.Millisecond) // an ended context makes the query fail
	}
}

// playRush lets the customers come and waits until all have gone. Subscriptions go on until ctx ends.
func (s *sale) playRush(ctx context.Context) {
	s.followCounts(ctx)
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
		s.followReservation(ctx, c)
	}
	if wait.For(ctx, c.plan.thinks) != nil {
		return
	}
	switch c.plan.end {
	case holding:
		s.move(c, holding, nil)
	case cancelled:
		_, err := api.CancelReservation(ctx, c.client, api.CancelReservationInput{ReservationId: c.reservation.Id, Reason: new("changed my mind")})
		s.move(c, cancelled, err)
	default:
		s.pay(ctx, c)
	}
}

// reserveSeats asks for items and, if they are gone, for two tickets in the section that has most left.
func (s *sale) reserveSeats(ctx context.Context, c *customer, items []api.ReserveItemInput) error {
	reserved, err := api.ReserveSeats(ctx, c.client, api.ReserveSeatsInput{EventId: s.event.Id, Items: items})
	if err == nil {
		c.reservation = *reserved.ReserveSeats.Reservation
	}
	s.board.addOutcome("reserved", err)
	best := s.board.emptiestSection()
	if isSoldOut(err) && best.Available > 0 && c.stage == shopping {
		s.move(c, secondChoice, nil)
		return s.reserveSeats(ctx, c, []api.ReserveItemInput{{Section: best.Name, Quantity: new(min(2, best.Available))}})
	}
	return err
}

func isSoldOut(err error) bool {
	return ticketing.CodeOf(err) == "INSUFFICIENT_INVENTORY" || ticketing.CodeOf(err) == "SEAT_UNAVAILABLE"
}

// pay brings one payment to its end, by way of the bank's page if the card's bank asks for that.
func (s *sale) pay(ctx context.Context, c *customer) {
	s.move(c, paying, nil)
	status, err := s.processPayment(ctx, c)
	switch {
	case ticketing.CodeOf(err) == "PAYMENT_DECLINED":
		s.move(c, declined, nil)
	case err != nil || status == api.PaymentStatusCompleted:
		s.move(c, paid, err)
	} // otherwise the server keeps asking the gateway, and readReservation learns the outcome
}

func (s *sale) processPayment(ctx context.Context, c *customer) (api.PaymentStatus, error) {
	bought, err := api.ProcessPayment(ctx, c.client, api.ProcessPaymentInput{
		ReservationId: c.reservation.Id, Method: &api.PaymentMethodInput{Card: &api.CardInput{Token: c.plan.card}},
	})
	if err != nil {
		return "", err
	}
	payment := bought.ProcessPayment.Payment
	if payment.Status != api.PaymentStatusRequiresAction {
		return payment.Status, nil
	}
	// A shop's page would give the nextAction's client secret to Stripe.js here.
	s.board.addOutcome("authenticated by the bank", nil)
	_ = wait.For(ctx, c.plan.thinks)
	confirmed, err := api.ConfirmPayment(ctx, c.client, api.ConfirmPaymentInput{PaymentId: payment.Id})
	if err != nil {
		return "", err
	}
	return confirmed.ConfirmPayment.Payment.Status, nil
}

// move brings a customer to a stage, or to another one because of an error.
func (s *sale) move(c *customer, to stage, err error) {
	switch {
	case ticketing.CodeOf(err) == "RESERVATION_EXPIRED": // RESERVATION_HOLD is shorter than the customer thinks
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

// follow runs a subscription, as a page that shows its states would.
func (s *sale) follow(subscribe func() error, failure *error) {
	s.watchers.Go(func() {
		s.board.update(func() { s.board.streams++ })
		err := subscribe()
		s.board.update(func() {
			s.board.streams--
			*failure = cmp.Or(*failure, err)
		})
	})
}

// followCounts keeps the latest counts of the event's sections.
func (s *sale) followCounts(ctx context.Context) {
	s.follow(func() error {
		return s.visitor.WatchAvailability(ctx, s.event.Id, func(e api.Event) error {
			s.board.update(func() {
				s.board.states++
				s.counts.receive(e.InventoryVersion, e)
				s.board.sections = e.Sections
			})
			return nil
		})
	}, &s.counts.failure)
}

// followReservation keeps the latest state of a customer's reservation.
func (s *sale) followReservation(ctx context.Context, c *customer) {
	id := c.reservation.Id
	s.follow(func() error {
		return c.client.WatchReservation(ctx, id, func(r api.Reservation) error {
			s.board.update(func() {
				s.board.states++
				c.watch.receive(r.Version, r)
			})
			return nil
		})
	}, &c.watch.failure)
}
