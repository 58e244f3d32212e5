package reservation

import (
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	decline = FailPayment{PaymentID: "pay_1", Reason: "declined"}
	outage  = FailPayment{PaymentID: "pay_1", Reason: "no answer", Outage: true}
)

func TestADeclinedPaymentPutsTheReservationBack(t *testing.T) {
	s := Given(t, initiated, requested).When(decline).Then(declined(2)).State()
	require.Equal(t, SeatsReserved, s.Status)
	require.Equal(t, 2, s.AttemptsLeft)
	require.Empty(t, s.PaymentID)
	require.True(t, s.Holding())
}

func TestTheLastDeclinedPaymentCompensates(t *testing.T) {
	s := Given(t, initiated, requested, declined(1), requested).When(decline).Then(compensated).State()
	require.Equal(t, Compensated, s.Status)
	require.Equal(t, &compensated.CompensatedAt, s.CompensatedAt)
	require.Zero(t, s.AttemptsLeft)
	require.False(t, s.Holding())
}

func TestASingleAttemptIsTheLast(t *testing.T) {
	once := initiated
	once.PaymentAttempts = 1
	Given(t, once, requested).When(decline).Then(compensated)
}

func TestAttemptsAreCountedDown(t *testing.T) {
	past, attempts := Given(t, initiated), 0
	for past.State().Holding() {
		past = past.When(request).And().When(decline).ThenAccepted().And()
		attempts++
	}
	require.Equal(t, Compensated, past.State().Status)
	require.Equal(t, initiated.PaymentAttempts, attempts)
}

func TestAnOutageUsesUpNoAttempt(t *testing.T) {
	Given(t, initiated, requested).When(outage).Then(PaymentAttemptFailed{PaymentID: "pay_1", AttemptsLeft: 3, Reason: "no answer"})
	Given(t, initiated, requested, declined(1), requested).When(outage).
		Then(PaymentAttemptFailed{PaymentID: "pay_1", AttemptsLeft: 1, Reason: "no answer"})
}

// A failure may be reported twice, late, or of a payment that another one has followed.
func TestAFailureOfAnotherPaymentChangesNothing(t *testing.T) {
	for name, history := range map[string][]DomainEvent{
		"never requested":          {initiated},
		"twice":                    {initiated, requested, declined(2)},
		"of an earlier payment":    {initiated, requested, declined(2), second},
		"after completion":         {initiated, requested, completed},
		"after expiry":             {initiated, requested, expiredNow},
		"after cancellation":       {initiated, requested, cancelled},
		"after compensation":       {initiated, requested, compensated},
		"after everything is over": {initiated, requested, completed, refunded},
	} {
		t.Run(name, func(t *testing.T) {
			Given(t, history...).When(decline).ThenNothing()
			Given(t, history...).When(outage).ThenNothing()
		})
	}
}
