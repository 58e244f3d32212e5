package saga

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/event"
	"ticketing/command/payment"
)

func TestMovesOfAWindowAreOneMail(t *testing.T) {
	pool, c := newTimedPool(t)
	d := newDouble()
	d.holders = []string{"rsv"}
	window := start.Truncate(moveWindow)
	moveAt := func(at time.Duration, was, reason string) {
		mustRecord(t, pool, window.Add(at), fact{"event-evt", event.EventUpdated{Was: &event.Place{Venue: was, StartsAt: start, TimeZone: "UTC"}, Reason: reason}})
		waitUntilIdle(t, pool)
	}
	mails := func() (moves []mailJob) {
		for _, j := range jobRows(t, pool) {
			var m mailJob
			if j.Kind == m.Kind() {
				require.Equal(t, wholeEvent, j.Priority)
				require.NoError(t, json.Unmarshal([]byte(j.Args), &m))
				moves = append(moves, m)
			}
		}
		return moves
	}
	mustRecord(t, pool, window, fact{"event-evt", event.EventCreated{}}, fact{"inventory-evt", event.EventCreated{}})
	runSaga(t, config(pool, d))
	moveAt(0, "A", "fire")
	moveAt(time.Second, "B", "flood")
	moveAt(2*time.Second, "C", "")
	moveAt(moveWindow, "D", "later")
	require.Empty(t, mails(), "more moves may follow")
	c.Move(window.Add(moveWindow).Sub(c.Now()))
	waitUntilIdle(t, pool)
	got := mails()
	require.Len(t, got, 1)
	require.Equal(t, "A", got[0].Move.Was.Venue)
	require.Equal(t, "C", got[0].Move.Last.Venue)
	require.Equal(t, "flood", got[0].Move.Reason)
	require.Equal(t, window.Add(2*time.Second), got[0].Move.At.UTC())
	c.Move(moveWindow)
	waitUntilIdle(t, pool)
	require.Len(t, mails(), 2)
}

func TestThoseWhoseRefundWaitsGetAMailOnce(t *testing.T) {
	pool, c := newTimedPool(t)
	d, letters := newDouble(), &post{}
	d.refund = func(context.Context, string, string) error { return errors.New("the balance is too low") }
	d.waiting = &payment.Refund{ID: "rfd", Status: payment.RefundPending, RequestedAt: start}
	mustRecord(t, pool, start, fact{"payment-pay", payment.RefundRequested{RefundID: "rfd"}})
	cfg := config(pool, d)
	cfg.Mailer = letters
	runSaga(t, cfg)
	waitUntilIdle(t, pool)
	require.Empty(t, letters.ids(), "a short outage is no news")
	for range 2 {
		c.Move(refundPatience)
		waitUntilIdle(t, pool)
	}
	require.Equal(t, []string{"refund_waits.rfd", "refund_waits_notice.rfd"}, slices.Compact(letters.ids()))
	require.GreaterOrEqual(t, d.count("refund pay rfd"), 3)
}
