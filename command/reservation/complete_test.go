package reservation

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
)

var complete = Complete{PaymentID: "pay_1"}

func TestAPaymentCompletes(t *testing.T) {
	s := Given(t, initiated, requested).When(complete).Then(completed).State()
	require.Equal(t, Completed, s.Status)
	require.Equal(t, "pay_1", s.PaymentID)
	require.Equal(t, &completed.CompletedAt, s.CompletedAt)
	require.False(t, s.Holding())
}

// The money is taken: as long as the inventory still has the seats, it is not sent back for being late.
func TestALatePaymentCompletesAfterTheHold(t *testing.T) {
	late := requested.ExpiresAt.Add(hold)
	completedLate := ReservationCompleted{PaymentID: "pay_1", CompletedAt: late}
	Given(t, initiated, requested).At(late).When(complete).Then(completedLate)
	Given(t, initiated, requested, declined(2)).At(late).When(complete).Then(completedLate)
	s := Given(t, initiated, requested, expiredNow).At(late).When(complete).Then(completedLate).State()
	require.Equal(t, Completed, s.Status)
	require.Nil(t, s.ExpiredAt, "it did not expire after all")
}

// The gateway first reported a decline and then a success: the success counts, even if another payment is in progress.
func TestAPaymentThatWasGivenUpCompletesOnProof(t *testing.T) {
	s := Given(t, initiated, requested, declined(3), second).When(complete).Then(completed).State()
	require.Equal(t, "pay_1", s.PaymentID)
}

func TestAPaymentOfWhatIsOverDoesNotComplete(t *testing.T) {
	for name, history := range map[string][]DomainEvent{
		"completed":   {initiated, requested, completed},
		"cancelled":   {initiated, requested, cancelled},
		"compensated": {initiated, requested, compensated},
		"refunded":    {initiated, requested, completed, refunded},
	} {
		t.Run(name, func(t *testing.T) {
			Given(t, history...).When(complete).ThenRejected(rejection.InvalidState)
			Given(t, history...).When(Complete{PaymentID: "pay_2"}).ThenRejected(rejection.InvalidState)
		})
	}
}

func TestATotalOfZeroCompletesWithoutAGateway(t *testing.T) {
	s := Given(t, free).When(Complete{}).Then(ReservationCompleted{CompletedAt: now}).State()
	require.Equal(t, Completed, s.Status)
	require.Empty(t, s.PaymentID)
}

func TestWhatCostsSomethingNeedsAPayment(t *testing.T) {
	Given(t, initiated).When(Complete{}).ThenRejected(rejection.Invalid, "method")
	Given(t, initiated, requested).When(Complete{}).ThenRejected(rejection.PaymentInProgress)
}

func TestEvenATotalOfZeroIsTooLatePastTheHold(t *testing.T) {
	Given(t, free).At(expiresAt.Add(-moment)).When(Complete{}).ThenAccepted()
	Given(t, free).At(expiresAt).When(Complete{}).ThenRejected(rejection.ReservationExpired)
	Given(t, free, expiredNow).At(expiresAt).When(Complete{}).ThenRejected(rejection.ReservationExpired)
	Given(t, free, ReservationCompleted{CompletedAt: now}).When(Complete{}).ThenRejected(rejection.InvalidState)
}
