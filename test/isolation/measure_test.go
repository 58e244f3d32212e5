package isolation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/mail/mailtest"
)

// A probe does what some customer does, and returns how long they waited.
type probe struct {
	name  string
	every time.Duration
	run   func(ctx context.Context) (time.Duration, error)
}

const (
	hold      = 1500 * time.Millisecond // of the customers who do not pay
	pollEvery = 25 * time.Millisecond   // a page that waits for something
)

func (h *house) probes() []probe {
	buyers, visitors := newTurns(40, h.newUser), newTurns(40, h.visitor)
	return []probe{
		{"page", 40 * time.Millisecond, func(ctx context.Context) (time.Duration, error) { return h.readPage(ctx, visitors.next()) }},
		{"purchase", 200 * time.Millisecond, func(ctx context.Context) (time.Duration, error) { return h.buy(ctx, buyers.next()) }},
		{"expiry", 300 * time.Millisecond, func(ctx context.Context) (time.Duration, error) { return h.expire(ctx, buyers.next()) }},
		{"refund", 300 * time.Millisecond, func(ctx context.Context) (time.Duration, error) { return h.refund(ctx, buyers.next()) }},
		{"mail", 300 * time.Millisecond, func(ctx context.Context) (time.Duration, error) { return h.awaitMail(ctx, buyers.next()) }},
	}
}

// turns are clients that take turns, so that none reaches a limit of its own.
type turns chan client

func newTurns(count int, open func() client) turns {
	all := make(turns, count)
	for range count {
		all <- open()
	}
	return all
}

func (t turns) next() client {
	c := <-t
	t <- c
	return c
}

func (h *house) readPage(ctx context.Context, c client) (time.Duration, error) {
	began := time.Now()
	err := c.do(ctx, `query($id: ID!) { event(id: $id) { name status sections { name available price { amount currencyCode } } } }`, vars{"id": h.eventID}, nil)
	return time.Since(began), err
}

type reservation struct {
	ID        string
	ExpiresAt time.Time
}

func (c client) reserve(ctx context.Context, eventID string) (reservation, error) {
	var reserved struct{ Reservation reservation }
	err := c.mutate(ctx, "reserveSeats", "ReserveSeatsInput", "reservation { id expiresAt }",
		vars{"eventId": eventID, "items": []vars{{"section": "Floor", "quantity": 1}}, "idempotencyKey": newKey()}, &reserved)
	return reserved.Reservation, err
}

// pay returns the payment's id.
func (c client) pay(ctx context.Context, r reservation, token string) (string, error) {
	var paid struct{ Payment struct{ ID, Status string } }
	err := c.mutate(ctx, "processPayment", "ProcessPaymentInput", "payment { id status }",
		vars{"reservationId": r.ID, "method": vars{"card": vars{"token": token}}, "idempotencyKey": newKey()}, &paid)
	if err == nil && paid.Payment.Status != "COMPLETED" {
		err = fmt.Errorf("the payment is %s", paid.Payment.Status)
	}
	return paid.Payment.ID, err
}

// purchase returns the ids of a paid reservation and of its payment.
func (c client) purchase(ctx context.Context, eventID string) (reservationID, paymentID string, err error) {
	r, err := c.reserve(ctx, eventID)
	if err != nil {
		return "", "", err
	}
	paymentID, err = c.pay(ctx, r, "pm_card_visa")
	return r.ID, paymentID, err
}

// buy returns how long a customer waits, from their choice to their ticket.
func (h *house) buy(ctx context.Context, c client) (time.Duration, error) {
	began := time.Now()
	reservationID, _, err := c.purchase(ctx, h.eventID)
	if err == nil {
		err = c.awaitStatus(ctx, "reservation", reservationID, "COMPLETED")
	}
	return time.Since(began), err
}

// expire returns how long after its end a hold is over.
func (h *house) expire(ctx context.Context, c client) (time.Duration, error) {
	r, err := c.reserve(ctx, h.eventID)
	if err == nil {
		err = pause(ctx, time.Until(r.ExpiresAt))
	}
	if err == nil {
		err = c.awaitStatus(ctx, "reservation", r.ID, "EXPIRED")
	}
	return time.Since(r.ExpiresAt), err
}

// refund returns how long a refund takes that an organizer asks for.
func (h *house) refund(ctx context.Context, c client) (time.Duration, error) {
	_, paymentID, err := c.purchase(ctx, h.eventID)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	err = h.admins.next().mutate(ctx, "refundPayment", "RefundPaymentInput", "refund { id }", vars{"paymentId": paymentID, "idempotencyKey": newKey()}, nil)
	if err == nil {
		err = c.awaitStatus(ctx, "payment", paymentID, "REFUNDED")
	}
	return time.Since(began), err
}

// awaitMail returns how long after their purchase a customer has the tickets' mail.
func (h *house) awaitMail(ctx context.Context, c client) (time.Duration, error) {
	reservationID, _, err := c.purchase(ctx, h.eventID)
	began := time.Now()
	for err == nil && !slices.ContainsFunc(h.post.Got(), func(d mailtest.Delivery) bool { return strings.Contains(d.Data, reservationID) }) {
		err = pause(ctx, pollEvery)
	}
	return time.Since(began), err
}

// awaitStatus reads an object until it has a status, as a page that polls does.
func (c client) awaitStatus(ctx context.Context, kind, id, status string) error {
	for {
		var found map[string]*struct{ Status string }
		err := c.do(ctx, `query($id: ID!) { `+kind+`(id: $id) { status } }`, vars{"id": id}, &found)
		if err == nil && found[kind] != nil && found[kind].Status == status {
			return nil
		}
		if err := pause(ctx, pollEvery); err != nil {
			return fmt.Errorf("%s %s is not %s: %w", kind, id, status, err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// latencies are what was measured, by probe.
type latencies map[string][]time.Duration

func (l latencies) p99(name string) time.Duration {
	sorted := slices.Sorted(slices.Values(l[name]))
	return sorted[(len(sorted)-1)*99/100]
}

// measure runs the probes for a while, each at its own rate however long the others take. A probe that fails is an error: others can't do what
// they came for.
func measure(t *testing.T, probes []probe, d time.Duration) latencies {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d+20*time.Second)
	defer cancel()
	var mu sync.Mutex
	var running sync.WaitGroup
	measured, failures := latencies{}, map[string]error{}
	for _, p := range probes {
		running.Go(func() {
			var begun sync.WaitGroup
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(p.every) {
				begun.Go(func() {
					took, err := p.run(ctx)
					mu.Lock()
					defer mu.Unlock()
					measured[p.name] = append(measured[p.name], took)
					if err != nil {
						failures[p.name] = err
					}
				})
			}
			begun.Wait()
		})
	}
	running.Wait()
	require.Empty(t, failures)
	return measured
}
