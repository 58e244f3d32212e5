package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

// isRefused reports whether a request has not reached a process: its port was closed, or it was before the connection was accepted.
func isRefused(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET)
}

// mutateThroughRestarts sends a mutation, again while the connection is refused. Whatever else goes wrong is an error.
func (c *client) mutateThroughRestarts(name, inputType string, input vars) (payload, error) {
	body, err := json.Marshal(map[string]any{
		"query":     fmt.Sprintf(`mutation($i: %s!) { %s(input: $i) { reservation { id status } %s } }`, inputType, name, errorFields),
		"variables": vars{"i": input},
	})
	if err != nil {
		return payload{}, err
	}
	var result struct {
		Data   map[string]payload
		Errors []graphQLError
	}
	for began := time.Now(); ; <-time.After(20 * time.Millisecond) {
		response, err := c.postOperation(body)
		if isRefused(err) && time.Since(began) < testenv.Patience {
			continue
		}
		if err == nil {
			err = json.Unmarshal(response, &result)
		}
		if err == nil && (len(result.Errors) > 0 || len(result.Data[name].UserErrors) > 0) {
			err = fmt.Errorf("%s: %s", name, response)
		}
		return result.Data[name], err
	}
}

// buyOne reserves a ticket and pays for it.
func (c *client) buyOne(eventID string) error {
	reserved, err := c.mutateThroughRestarts("reserveSeats", "ReserveSeatsInput",
		vars{"eventId": eventID, "items": []vars{bestSeats("Floor", 1)}, "idempotencyKey": newKey()})
	if err != nil {
		return err
	}
	paid, err := c.mutateThroughRestarts("processPayment", "ProcessPaymentInput",
		vars{"reservationId": reserved.Reservation.ID, "method": vars{"card": vars{"token": "pm_card_visa"}}, "idempotencyKey": newKey()})
	if err == nil && paid.Reservation.Status != "COMPLETED" {
		err = fmt.Errorf("paid, and it is %s", paid.Reservation.Status)
	}
	return err
}

// There is one process of each part, so that nothing else takes over. Each ends with status 0, on either signal. An api serves on for the default
// of SHUTDOWN_DELAY, in which clients send their next request, and close the connection after it.
func TestARestartOfEachPartDuringASaleIsNotSeen(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	running := p.startAll()
	eventID := onSale(t, signIn(t, p.url, adminEmail), 100_000, vars{"maxTicketsPerReservation": 1})
	stop := make(chan struct{})
	var buyers sync.WaitGroup
	var bought atomic.Int64
	for i := range 8 {
		c := signIn(t, p.url, fmt.Sprintf("buyer%d@example.com", i))
		buyers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := c.buyOne(eventID); err != nil {
					t.Errorf("a purchase failed: %v", err)
					return
				}
				bought.Add(1)
			}
		})
	}
	awaitPurchases := func() {
		before := bought.Load()
		testenv.Eventually(t, testenv.Patience, func() (bool, string) { return bought.Load() > before+20 || t.Failed(), "nothing is sold" })
	}
	awaitPurchases()
	for i, name := range []string{"api", "relay", "projector", "saga"} {
		running[i].endBy([]syscall.Signal{syscall.SIGTERM, syscall.SIGINT}[i%2])
		running[i] = p.startPart(name)
		awaitPurchases()
	}
	close(stop)
	buyers.Wait()
	p.requireVerified()
	completed := queryCount(t, p.env["PROJECTION_DATABASE_URL"], `SELECT count(*) FROM reservations WHERE status = 'COMPLETED'`)
	require.EqualValues(t, bought.Load(), completed)
	for _, part := range running {
		part.stop()
	}
	unpublished := queryCount(t, p.env["DATABASE_URL"], `SELECT (SELECT max(position) FROM domain_events) - (SELECT position FROM relay_cursor)`)
	require.Zero(t, unpublished)
}
