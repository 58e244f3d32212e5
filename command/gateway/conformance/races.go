package conformance

import (
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ticketing/command/gateway"
	"ticketing/command/payment"
)

// callers call at the same time; rounds is how often a race with two possible outcomes is run.
const (
	callers = 8
	rounds  = 10
)

func testRaces(t *testing.T, s Setup) { //nolint:thelper // a test: its failures belong to its own lines
	g := s.New(t)
	t.Run("many creates and confirms make one payment", func(t *testing.T) {
		p := newPayment(2500, "EUR", s.Tokens.Charged[0])
		ids := atOnce(callers, func(int) string {
			result, err := g.Create(callContext(t), p)
			assert.NoError(t, err)
			assert.Equal(t, payment.OutcomeCreated, result.Outcome)
			return result.TransactionID
		})
		require.Len(t, slices.Compact(ids), 1)
		p.TransactionID = ids[0]
		atOnce(callers, func(int) bool {
			result, err := g.Confirm(callContext(t), p)
			assert.NoError(t, err)
			assert.Equal(t, payment.OutcomeSucceeded, result.Outcome)
			return true
		})
	})
	t.Run("confirm against cancel", func(t *testing.T) {
		for range rounds {
			raceConfirmAgainstCancel(t, g, createPayment(t, g, 2500, s.Tokens.Charged[0]))
		}
	})
	t.Run("refunds never exceed the payment", func(t *testing.T) {
		p := chargePayment(t, s, g, 1000)
		given := atOnce(callers, func(int) int64 {
			r := newRefund(p, 300)
			result, err := g.Refund(callContext(t), r)
			assert.NoError(t, err)
			if result.Failed {
				return 0
			}
			return r.Amount.Minor
		})
		var sum int64
		for _, minor := range given {
			sum += minor
		}
		require.EqualValues(t, 900, sum, "of 1000 in steps of 300")
	})
}

// raceConfirmAgainstCancel requires both calls to return the same outcome.
func raceConfirmAgainstCancel(t *testing.T, g gateway.Gateway, p gateway.Payment) {
	t.Helper()
	outcomes := atOnce(2, func(i int) payment.Outcome {
		call := g.Confirm
		if i == 1 {
			call = g.Cancel
		}
		result, err := call(callContext(t), p)
		assert.NoError(t, err)
		return result.Outcome
	})
	require.Equal(t, outcomes[0], outcomes[1], "confirm and cancel")
	requireLookup(t, g, p, outcomes[0])
}

// atOnce runs f n times at the same time and returns the results.
func atOnce[T any](n int, f func(i int) T) []T {
	results := make([]T, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			results[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return results
}
