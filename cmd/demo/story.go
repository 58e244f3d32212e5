package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Customer is one customer's way through the sale. While it goes on it is its own goroutine's; afterwards everybody may read it.
type Customer struct {
	Name        string
	Plan        Plan
	Stage       Stage
	Reservation *Reservation // as the last mutation answered it; nil without one
	Failure     error        // why the stage is Failed
	Watch       *Watch       // nil unless the customer follows the reservation

	client *Client
}

// Watch is what a subscription told.
type Watch struct {
	What string

	mu      sync.Mutex
	version int
	state   json.RawMessage
	wrong   error
}

// Tell takes a state in. Versions must rise; only after a connection was made again the last one may be told once more.
func (w *Watch) Tell(version int, state json.RawMessage, fresh bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if version < w.version || (version == w.version && !fresh) {
		w.wrong = errors.Join(w.wrong, fmt.Errorf("%s: version %d was told after version %d", w.What, version, w.version))
	}
	w.version, w.state = version, state
}

// Fail notes that the subscription ended for a reason that will not pass.
func (w *Watch) Fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong = errors.Join(w.wrong, fmt.Errorf("%s: %w", w.What, err))
}

// Told answers the last state, and what was wrong with how it was told.
func (w *Watch) Told() (int, json.RawMessage, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.version, w.state, w.wrong
}

// Sale is the story: one event, and customers who want more tickets than it has.
type Sale struct {
	EventID   string
	Customers []*Customer
	Counts    *Watch // the availability of the event's sections

	board    *Board
	watchers sync.WaitGroup
}

// Run plays the sale until every customer is done.
func (s *Sale) Run(ctx context.Context) {
	s.board.Come(len(s.Customers))
	var crowd sync.WaitGroup
	for _, c := range s.Customers {
		crowd.Go(func() {
			if sleep(ctx, c.Plan.Arrives) == nil {
				s.visit(ctx, c)
			}
		})
	}
	crowd.Wait()
}

// visit is one customer's story.
func (s *Sale) visit(ctx context.Context, c *Customer) {
	s.move(c, Shopping)
	reservation, err := s.reserve(ctx, c)
	switch {
	case rejectedAs(err) != "":
		s.move(c, SoldOut)
		return
	case err != nil:
		s.fail(c, err)
		return
	}
	c.Reservation = reservation
	s.board.Reserved()
	if c.Plan.Watches {
		s.watchReservation(ctx, c)
	}
	if sleep(ctx, c.Plan.Thinks) != nil {
		return
	}
	switch c.Plan.Ending {
	case Pays:
		s.pay(ctx, c, "pm_card_visa")
	case IsDeclined:
		s.pay(ctx, c, "pm_card_chargeDeclined")
	case Authenticates:
		s.pay(ctx, c, "pm_card_authenticationRequired")
	case Cancels:
		cancelled, err := c.client.CancelReservation(ctx, c.Reservation.ID, "changed my mind")
		s.conclude(c, cancelled, Cancelled, err)
	case WalksAway:
		s.move(c, Holding)
	}
}

// reserve asks for what the customer wishes and, when that is gone, once more for as many tickets where most are left.
func (s *Sale) reserve(ctx context.Context, c *Customer) (*Reservation, error) {
	reservation, err := c.client.ReserveSeats(ctx, s.EventID, c.Plan.Wish)
	code := rejectedAs(err)
	if code != "INSUFFICIENT_INVENTORY" && code != "SEAT_UNAVAILABLE" {
		return reservation, err
	}
	s.board.Refused(code)
	best := s.board.Best()
	if best.Available == 0 { // the live counts say that it is sold out: no need to ask
		return nil, err
	}
	second := []Item{{Section: best.Name, Quantity: min(Tickets(c.Plan.Wish), best.Available)}}
	reservation, err = c.client.ReserveSeats(ctx, s.EventID, second)
	if code := rejectedAs(err); code != "" {
		s.board.Refused(code)
	}
	return reservation, err
}

// pay pays the reservation. A payment may come to nothing although nobody declined it, when a process died at the wrong moment:
// then the tickets are held still, and paying again is a new intention, with a key of its own.
func (s *Sale) pay(ctx context.Context, c *Customer, card string) {
	s.move(c, Paying)
	const most = 3
	end, err := s.charge(ctx, c, card)
	for attempt := 1; err == nil && end == Holding && attempt < most; attempt++ {
		end, err = s.charge(ctx, c, card)
	}
	s.conclude(c, c.Reservation, end, err)
}

// charge goes with one payment to its end, by way of the bank's page when the card's bank wants that.
func (s *Sale) charge(ctx context.Context, c *Customer, card string) (Stage, error) {
	purchase, err := c.client.ProcessPayment(ctx, c.Reservation.ID, card)
	if err == nil && purchase.Payment.Status == "REQUIRES_ACTION" {
		// A real page would hand the action's client secret to Stripe.js here, and come back when the customer has authenticated.
		// An answer that repeats a lost one has no action: it is not stored.
		if purchase.Payment.NextAction != nil {
			s.board.Authenticated()
		}
		if err := sleep(ctx, c.Plan.Thinks); err != nil {
			return Failed, err
		}
		purchase, err = c.client.ConfirmPayment(ctx, purchase.Payment.ID)
	}
	switch {
	case rejectedAs(err) == "PAYMENT_DECLINED":
		return Declined, nil
	case err != nil:
		return Failed, err
	case purchase.Payment.Status == "COMPLETED":
		return Paid, nil
	}
	return s.await(ctx, c, purchase.Reservation.Version)
}

// await waits for a payment that is not decided yet, PROCESSING for example. That is no failure: the server keeps asking the
// gateway. The version is the one at which the payment was under way: the read side may still be before it.
func (s *Sale) await(ctx context.Context, c *Customer, version int) (Stage, error) {
	const patience = 90 * time.Second
	ends := map[string]Stage{"COMPLETED": Paid, "COMPENSATED": Declined, "SEATS_RESERVED": Holding, "EXPIRED": Expired}
	defer s.board.Note("", 0)
	for until := time.Now().Add(patience); time.Now().Before(until); {
		now, err := c.client.ReadReservation(ctx, c.Reservation.ID, version)
		if err != nil {
			return Failed, err
		}
		if end, decided := ends[now.Status]; decided {
			return end, nil
		}
		s.board.Note("payments are not decided yet: the server keeps asking the gateway", time.Until(until))
		if err := sleep(ctx, time.Second); err != nil {
			return Failed, err
		}
	}
	return Failed, fmt.Errorf("the payment of %s was not decided within %s", c.Reservation.ID, patience)
}

// conclude ends a customer's way at a stage, unless it went wrong. What the server then has is checked when all is over.
func (s *Sale) conclude(c *Customer, reservation *Reservation, end Stage, err error) {
	switch {
	case rejectedAs(err) == "RESERVATION_EXPIRED": // RESERVATION_HOLD is shorter than the customer thinks
		s.move(c, Expired)
	case err != nil:
		s.fail(c, err)
	default:
		c.Reservation = reservation
		s.move(c, end)
	}
}

func (s *Sale) move(c *Customer, to Stage) {
	s.board.Move(c.Stage, to)
	c.Stage = to
}

func (s *Sale) fail(c *Customer, err error) {
	if errors.Is(err, context.Canceled) {
		return // Ctrl-C: nobody is interested any more
	}
	c.Failure = err
	s.move(c, Failed)
}

// watchReservation follows a customer's reservation, as a page that shows its status would.
func (s *Sale) watchReservation(ctx context.Context, c *Customer) {
	const document = `subscription ReservationStatus($id: ID!) { reservationStatus(id: $id) { id version status } }`
	c.Watch = &Watch{What: "reservationStatus of " + c.Reservation.ID}
	op := Operation{"reservationStatus", document, map[string]any{"id": c.Reservation.ID}}
	s.follow(ctx, c.client, c.Watch, op, func(state json.RawMessage) (int, error) {
		var r Reservation
		if err := json.Unmarshal(state, &r); err != nil {
			return 0, fmt.Errorf("reservationStatus: %w", err)
		}
		return r.Version, nil
	})
}

// WatchCounts follows the counts of the event's sections. It needs nobody to be signed in: what is left on sale is public.
func (s *Sale) WatchCounts(ctx context.Context, client *Client) {
	const document = `subscription Availability($id: ID!) { availability(eventId: $id) { id inventoryVersion ` + sectionFields + ` } }`
	s.Counts = &Watch{What: "availability of " + s.EventID}
	op := Operation{"availability", document, map[string]any{"id": s.EventID}}
	s.follow(ctx, client, s.Counts, op, func(state json.RawMessage) (int, error) {
		var e Event
		if err := json.Unmarshal(state, &e); err != nil {
			return 0, fmt.Errorf("availability: %w", err)
		}
		s.board.Sections(e.Sections)
		return e.InventoryVersion, nil
	})
}

func (s *Sale) follow(ctx context.Context, client *Client, watch *Watch, op Operation, versionOf func(json.RawMessage) (int, error)) {
	s.board.Feed(1)
	s.watchers.Go(func() {
		defer s.board.Feed(-1)
		err := client.Follow(ctx, op, func(state json.RawMessage, fresh bool) {
			s.board.State()
			version, err := versionOf(state)
			if err != nil {
				watch.Fail(err)
				return
			}
			watch.Tell(version, state, fresh)
		})
		if err != nil {
			watch.Fail(err)
		}
	})
}

// Leave waits until all subscriptions have ended, which they do when their context does.
func (s *Sale) Leave() { s.watchers.Wait() }
