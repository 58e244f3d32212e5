package test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// buyers are customers who try again, with the same idempotency key and at another api, until each command has an outcome.
type buyers struct {
	t     *testing.T
	apis  []string
	seed  uint64
	admin *patientBuyer
	stop  chan struct{}
	group sync.WaitGroup

	commands, refused, again, longest atomic.Int64

	opening sync.Mutex   // held by who puts an event on sale
	soldOut atomic.Int64 // how often places of the event that is on sale were refused

	mu        sync.Mutex
	confirmed confirmed
}

func newBuyers(t *testing.T, apis []string, seed uint64) *buyers {
	t.Helper()
	return &buyers{t: t, apis: apis, seed: seed, stop: make(chan struct{})}
}

// confirmed is what the apis confirmed to customers.
type confirmed struct {
	events              []string // that were put on sale
	reserved, cancelled []string // reservations
	paid                []string // payments
	sales               []sale   // of those
}

// sale is what a customer has paid for.
type sale struct {
	reservation, event string
	seats              []string // labels
	floor              int      // places without one
}

// note adds to what was confirmed.
func (b *buyers) note(change func(*confirmed)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change(&b.confirmed)
}

// patientBuyer is one customer.
type patientBuyer struct {
	*buyers

	client *client
	email  string
	from   *rand.Rand
}

// startSelling puts an event on sale and lets customers in.
func (w *faultWorld) startSelling() {
	const customers = 12
	b := w.buyers
	w.awaitAPIs()
	w.measureFootprints()
	b.admin = b.newBuyer(adminEmail, 1<<41)
	b.putOnSale()
	require.False(w.t, w.t.Failed())
	for i := range customers {
		one := b.newBuyer(fmt.Sprintf("buyer%d@example.com", i), 1<<40+uint64(i))
		b.group.Go(func() {
			for {
				select {
				case <-b.stop:
					return
				case <-time.After(drawMillis(one.from, 20, 200)): // customers think
					one.buyOnce(w)
				}
			}
		})
	}
}

func (b *buyers) newBuyer(email string, draws uint64) *patientBuyer {
	return &patientBuyer{buyers: b, email: email, client: &client{t: b.t, url: b.apis[0]}, from: rand.New(rand.NewPCG(b.seed, draws))}
}

// stopSelling waits until each command has its outcome.
func (w *faultWorld) stopSelling() {
	w.awaitAPIs()
	close(w.buyers.stop)
	w.buyers.group.Wait()
}

// An event in the time of faults has few places, so that customers want the same ones, and each is sold out.
const (
	faultFloor  = 30
	faultSeats  = 20 // of one row
	faultMissed = 40 // refusals of an event that is sold out, after which another is put on sale
)

// putOnSale puts an event on sale, in place of the one that is.
func (b *buyers) putOnSale() {
	created := b.admin.send("createEvent", "CreateEventInput", "event { id }",
		vars{"name": "First night", "venue": "Town hall", "startsAt": "2040-01-01T20:00:00Z", "paymentAttempts": 2, "idempotencyKey": newKey()})
	if created.Event == nil {
		b.t.Errorf("an event is refused: %+v", created)
		return
	}
	id, price := created.Event.ID, vars{"amount": "20.00", "currencyCode": "EUR"}
	for _, step := range []struct {
		mutation, inputType string
		input               vars
	}{
		{"addInventory", "AddInventoryInput", vars{"section": "Floor", "price": price, "capacity": faultFloor}},
		{"addInventory", "AddInventoryInput", vars{"section": "Stalls", "price": price, "rows": []vars{{"row": "A", "seats": faultSeats}}}},
		{"publishEvent", "EventIDInput", vars{}},
		{"openSales", "EventIDInput", vars{}},
	} {
		step.input["eventId"] = id
		done := b.admin.send(step.mutation, step.inputType, "event { id }", step.input)
		again := []string{"INVALID", "INVALID_STATE"} // what it is after a response that was lost
		if len(done.UserErrors) > 0 && !slices.Contains(again, done.UserErrors[0].Code) {
			b.t.Errorf("%s is refused: %+v", step.mutation, done)
			return
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.confirmed.events = append(b.confirmed.events, id)
	b.soldOut.Store(0)
}

// onSale returns the event that is on sale.
func (b *buyers) onSale() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.confirmed.events[len(b.confirmed.events)-1]
}

// missOut counts a customer who did not get a place. Others go on trying while one of them has the next event put on sale.
func (b *buyers) missOut() {
	if b.soldOut.Add(1) < faultMissed || !b.opening.TryLock() {
		return
	}
	defer b.opening.Unlock()
	if b.soldOut.Load() >= faultMissed { // else it has just been done
		b.putOnSale()
	}
}

// chooseItem returns places on the floor, or one or two seats that others want, too, and what they are to who has paid.
func (b *patientBuyer) chooseItem() (item vars, s sale) {
	if b.from.IntN(2) == 0 {
		s.floor = 1 + b.from.IntN(3)
		return bestSeats("Floor", s.floor), s
	}
	for range 1 + b.from.IntN(2) {
		s.seats = append(s.seats, fmt.Sprintf("A-%d", 1+b.from.IntN(faultSeats)))
	}
	slices.Sort(s.seats)
	s.seats = slices.Compact(s.seats)
	return namedSeats("Stalls", s.seats...), s
}

// buyOnce reserves, and pays, pays by another card, cancels, or leaves.
func (b *patientBuyer) buyOnce(w *faultWorld) {
	item, s := b.chooseItem()
	s.event = b.onSale()
	r := b.send("reserveSeats", "ReserveSeatsInput", "reservation { id }", vars{"eventId": s.event, "items": []vars{item}, "idempotencyKey": newKey()})
	if r.Reservation == nil {
		b.missOut()
		return
	}
	s.reservation = r.Reservation.ID
	b.note(func(c *confirmed) { c.reserved = append(c.reserved, s.reservation) })
	switch n := b.from.IntN(10); {
	case n < 4:
		b.pay(s, "pm_card_visa")
	case n < 5:
		b.pay(s, "pm_card_visa_chargeDeclined")
		b.pay(s, "pm_card_visa")
	case n < 6:
		paid := b.pay(s, "pm_card_authenticationRequired")
		if paid.Payment != nil && paid.Payment.NextAction != nil {
			w.double.AuthenticateIfWaiting(b.t, *paid.Payment.NextAction.ClientSecret) // and closes the page
		}
	case n < 8:
		c := b.send("cancelReservation", "CancelReservationInput", "reservation { id }", vars{"reservationId": s.reservation, "idempotencyKey": newKey()})
		if c.Reservation != nil {
			b.note(func(c *confirmed) { c.cancelled = append(c.cancelled, s.reservation) })
		}
	}
}

func (b *patientBuyer) pay(s sale, card string) *payload {
	p := b.send("processPayment", "ProcessPaymentInput", "payment { id status nextAction { clientSecret } }",
		vars{"reservationId": s.reservation, "method": vars{"card": vars{"token": card}}, "idempotencyKey": newKey()})
	if p.Payment != nil && p.Payment.Status == "COMPLETED" {
		b.note(func(c *confirmed) { c.paid, c.sales = append(c.paid, p.Payment.ID), append(c.sales, s) })
	}
	return p
}

// send sends a mutation until it has an outcome: its object, or a rejection that trying again does not change.
func (b *patientBuyer) send(mutation, inputType, selection string, input vars) *payload {
	body, err := json.Marshal(map[string]any{
		"query":     fmt.Sprintf(`mutation($i: %s!) { r: %s(input: $i) { %s %s } }`, inputType, mutation, selection, errorFields),
		"variables": vars{"i": input},
	})
	if err != nil {
		b.t.Error(err)
		return &payload{}
	}
	for began := time.Now(); ; b.again.Add(1) {
		outcome := b.sendOnce(body)
		if outcome != nil {
			b.commands.Add(1)
			if took := int64(time.Since(began)); took > b.longest.Load() {
				b.longest.Store(took) // a race between two customers loses one of two long ones
			}
			if len(outcome.UserErrors) > 0 {
				b.refused.Add(1)
			}
			return outcome
		}
		time.Sleep(drawMillis(b.from, 50, 150))
		b.client.url = b.apis[b.from.IntN(len(b.apis))]
	}
}

// sendOnce returns nil if it has to be sent again.
func (b *patientBuyer) sendOnce(body []byte) *payload {
	if b.client.token == "" && !b.signIn() {
		return nil
	}
	text, err := b.client.postOperation(body)
	var answer struct {
		Data   map[string]*payload
		Errors []graphQLError
	}
	if err != nil || json.Unmarshal(text, &answer) != nil {
		return nil
	}
	if len(answer.Errors) > 0 {
		switch code := answer.Errors[0].code(); code {
		case "UNAUTHENTICATED":
			b.client.token = "" // Redis was emptied
		case "UNAVAILABLE", "RATE_LIMITED", "READ_BEHIND":
		default:
			b.t.Errorf("a fault of a server must not reach customers like this: %s", text)
			return &payload{}
		}
		return nil
	}
	outcome := answer.Data["r"]
	if outcome != nil && len(outcome.UserErrors) > 0 && outcome.UserErrors[0].Code == "GATEWAY_UNAVAILABLE" {
		return nil
	}
	return outcome
}

// signIn reports whether it signed the customer in.
func (b *patientBuyer) signIn() bool {
	var requested struct {
		Data struct{ RequestMagicLink struct{ Token string } }
	}
	b.client.tryExecute(`mutation($i: RequestMagicLinkInput!) { requestMagicLink(input: $i) { token } }`, vars{"email": b.email}, &requested)
	token := requested.Data.RequestMagicLink.Token
	if token == "" {
		return false
	}
	var verified struct {
		Data struct{ VerifyMagicLink struct{ SessionToken string } }
	}
	b.client.tryExecute(`mutation($i: VerifyMagicLinkInput!) { verifyMagicLink(input: $i) { sessionToken } }`, vars{"token": token}, &verified)
	b.client.token = verified.Data.VerifyMagicLink.SessionToken
	return b.client.token != ""
}

// awaitAPIs waits until all apis are ready.
func (w *faultWorld) awaitAPIs() {
	for _, url := range w.apis() {
		p := &platform{t: w.t, url: url}
		p.awaitReady()
	}
}
