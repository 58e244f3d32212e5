package conformance

import (
	"sync"
	"testing"

	"ticketing/command/gateway"
	"ticketing/command/payment"
)

// callers is how many ask at once; rounds is how often a race that can go either way is run.
const (
	callers = 8
	rounds  = 10
)

func testRaces(t *testing.T, s Setup) { //nolint:thelper // a test: its failures belong to its own lines
	g := s.New(t)
	t.Run("one payment for many creates and confirms", func(t *testing.T) {
		p := newPayment(2500, "EUR", s.Tokens.Charged[0])
		ids := atOnce(callers, func(int) string {
			result, err := g.Create(callContext(t), p)
			if err != nil || result.Outcome != payment.OutcomeCreated {
				t.Errorf("create: got %+v, %v", result, err)
			}
			return result.TransactionID
		})
		for _, transactionID := range ids {
			if transactionID != ids[0] {
				t.Fatalf("created more than once: %v", ids)
			}
		}
		p.TransactionID = ids[0]
		atOnce(callers, func(int) bool {
			result, err := g.Confirm(callContext(t), p)
			if err != nil || result.Outcome != payment.OutcomeSucceeded {
				t.Errorf("confirm: got %+v, %v", result, err)
			}
			return true
		})
	})
	t.Run("confirm against cancel", func(t *testing.T) {
		for range rounds {
			raceConfirmAgainstCancel(t, g, createPayment(t, g, 2500, s.Tokens.Charged[0]))
		}
	})
	t.Run("refunds never exceed the charge", func(t *testing.T) {
		p := chargePayment(t, s, g, 1000)
		given := atOnce(callers, func(int) int64 {
			r := newRefund(p, 300)
			result, err := g.Refund(callContext(t), r)
			if err != nil {
				t.Errorf("refund: %v", err)
			}
			if result.Failed {
				return 0
			}
			return r.Amount.Minor
		})
		var sum int64
		for _, minor := range given {
			sum += minor
		}
		if sum != 900 {
			t.Fatalf("gave back %d of 1000 in steps of 300, want 900", sum)
		}
	})
}

// raceConfirmAgainstCancel wants one truth, whoever comes first.
func raceConfirmAgainstCancel(t *testing.T, g gateway.Gateway, p gateway.Payment) {
	t.Helper()
	outcomes := atOnce(2, func(i int) payment.Outcome {
		ask := []func() (gateway.Result, error){
			func() (gateway.Result, error) { return g.Confirm(callContext(t), p) },
			func() (gateway.Result, error) { return g.Cancel(callContext(t), p) },
		}[i]
		result, err := ask()
		if err != nil {
			t.Errorf("call %d: %v", i, err)
		}
		return result.Outcome
	})
	if outcomes[0] != outcomes[1] {
		t.Fatalf("confirm says %q, cancel says %q", outcomes[0], outcomes[1])
	}
	requireLookup(t, g, p, outcomes[0])
}

// atOnce runs f n times at once and answers what they answered.
func atOnce[T any](n int, f func(i int) T) []T {
	answers := make([]T, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			answers[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return answers
}
