package reservation

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
)

var request = RequestPayment{PaymentID: "pay_1", Hold: hold}

func TestPaymentExtendsTheHoldByAsMuch(t *testing.T) {
	s := Given(t, initiated).When(request).Then(requested).State()
	require.Equal(t, PaymentPending, s.Status)
	require.Equal(t, "pay_1", s.PaymentID)
	require.Equal(t, now.Add(2*hold), s.ExpiresAt)
	require.True(t, s.Holding())
}

func TestPaymentExtendsTheHoldOnlyOnce(t *testing.T) {
	Given(t, initiated, requested, declined(2)).When(RequestPayment{PaymentID: "pay_2", Hold: hold}).
		Then(PaymentRequested{PaymentID: "pay_2", ExpiresAt: requested.ExpiresAt})
}

// If it did, a gateway that is down would hold the seats for ever.
func TestAnOutageDoesNotExtendTheHoldAgain(t *testing.T) {
	Given(t, initiated, requested, declined(3)).When(RequestPayment{PaymentID: "pay_2", Hold: hold}).
		Then(PaymentRequested{PaymentID: "pay_2", ExpiresAt: requested.ExpiresAt})
}

func TestNothingIsPaidPastTheHold(t *testing.T) {
	s := Given(t, initiated)
	s.At(expiresAt.Add(-moment)).When(request).ThenAccepted()
	s.At(expiresAt).When(request).ThenRejected(rejection.ReservationExpired)
	Given(t, initiated, expiredNow).At(expiresAt).When(request).ThenRejected(rejection.ReservationExpired)

	extended := Given(t, initiated, requested, declined(2))
	extended.At(requested.ExpiresAt.Add(-moment)).When(request).ThenAccepted()
	extended.At(requested.ExpiresAt).When(request).ThenRejected(rejection.ReservationExpired)
}

func TestOnePaymentAtATime(t *testing.T) {
	Given(t, initiated, requested).When(RequestPayment{PaymentID: "pay_2", Hold: hold}).ThenRejected(rejection.PaymentInProgress)
	Given(t, initiated, requested).When(request).ThenRejected(rejection.PaymentInProgress)
	Given(t, initiated, requested).At(requested.ExpiresAt).When(request).ThenRejected(rejection.PaymentInProgress)
}

func TestWhatIsOverCannotBePaid(t *testing.T) {
	for name, history := range map[string][]DomainEvent{
		"completed":   {initiated, requested, completed},
		"cancelled":   {initiated, cancelled},
		"compensated": {initiated, requested, compensated},
		"refunded":    {initiated, requested, completed, refunded},
	} {
		t.Run(name, func(t *testing.T) {
			Given(t, history...).When(request).ThenRejected(rejection.InvalidState)
			Given(t, history...).When(Complete{}).ThenRejected(rejection.InvalidState)
		})
	}
}
