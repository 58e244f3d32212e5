package test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ticketing/internal/testenv"
)

// buyers are customers who try again, with the same idempotency key and at another api, until each command has an outcome.
type buyers struct {
	t     *testing.T
	apis  []string
	seed  uint64
	event string
	stop  chan struct{}
	group sync.WaitGroup

	commands, reserved, paid, cancelled, refused, again, longest atomic.Int64

	mu       sync.Mutex
	accepted []string // ids of reservations
}

func newBuyers(t *testing.T, apis []string, seed uint64) *buyers {
	t.Helper()
	return &buyers{t: t, apis: apis, seed: seed, stop: make(chan struct{})}
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
	admin := &patientBuyer{buyers: b, email: adminEmail, client: &client{t: w.t, url: b.apis[0]}}
	testenv.Eventually(w.t, testenv.Patience, func() (bool, string) { return admin.signIn(), "a busy machine" })
	b.event = onSale(w.t, admin.client, 1_000_000, vars{"paymentAttempts": 2})
	for i := range customers {
		one := &patientBuyer{buyers: b, email: fmt.Sprintf("buyer%d@example.com", i), client: &client{t: w.t, url: b.apis[0]}}
		one.from = rand.New(rand.NewPCG(b.seed, 1<<40+uint64(i)))
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

// stopSelling waits until each command has its outcome.
func (w *faultWorld) stopSelling() {
	w.awaitAPIs()
	close(w.buyers.stop)
	w.buyers.group.Wait()
}

func (b *buyers) acceptedReservations() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.accepted
}

// buyOnce reserves, and pays, pays by another card, cancels, or leaves.
func (b *patientBuyer) buyOnce(w *faultWorld) {
	r := b.send("reserveSeats", "ReserveSeatsInput", "reservation { id }",
		vars{"eventId": b.event, "items": []vars{bestSeats("Floor", 1+b.from.IntN(3))}})
	if r == nil || r.Reservation == nil {
		return
	}
	b.reserved.Add(1)
	b.mu.Lock()
	b.accepted = append(b.accepted, r.Reservation.ID)
	b.mu.Unlock()
	switch n := b.from.IntN(10); {
	case n < 4:
		b.pay(r.Reservation.ID, "pm_card_visa")
	case n < 5:
		b.pay(r.Reservation.ID, "pm_card_visa_chargeDeclined")
		b.pay(r.Reservation.ID, "pm_card_visa")
	case n < 6:
		paid := b.pay(r.Reservation.ID, "pm_card_authenticationRequired")
		if paid != nil && paid.Payment != nil && paid.Payment.NextAction != nil {
			w.double.AuthenticateIfWaiting(b.t, *paid.Payment.NextAction.ClientSecret) // and closes the page
		}
	case n < 8:
		if c := b.send("cancelReservation", "CancelReservationInput", "reservation { id }", vars{"reservationId": r.Reservation.ID}); c != nil && c.Reservation != nil {
			b.cancelled.Add(1)
		}
	}
}

func (b *patientBuyer) pay(reservationID, card string) *payload {
	p := b.send("processPayment", "ProcessPaymentInput", "payment { id status nextAction { clientSecret } }",
		vars{"reservationId": reservationID, "method": vars{"card": vars{"token": card}}})
	if p != nil && p.Payment != nil && p.Payment.Status == "COMPLETED" {
		b.paid.Add(1)
	}
	return p
}

// send sends a mutation until it has an outcome: its object, or a rejection that trying again does not change.
func (b *patientBuyer) send(mutation, inputType, selection string, input vars) *payload {
	input["idempotencyKey"] = newKey()
	body, err := json.Marshal(map[string]any{
		"query":     fmt.Sprintf(`mutation($i: %s!) { r: %s(input: $i) { %s %s } }`, inputType, mutation, selection, errorFields),
		"variables": vars{"i": input},
	})
	if err != nil {
		b.t.Error(err)
		return nil
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
		if answer.Errors[0].code() == "UNAUTHENTICATED" {
			b.client.token = "" // Redis was emptied
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
