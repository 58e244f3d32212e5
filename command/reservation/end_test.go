package reservation

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
)

var (
	cancel = Cancel{Reason: "changed my mind"}
	second = PaymentRequested{PaymentID: "pay_2", ExpiresAt: requested.ExpiresAt}
)

func TestTheReasonOfACancellationIsBounded(t *testing.T) {
	Given(t, initiated).When(Cancel{Reason: strings.Repeat("é", LongestReason)}).ThenAccepted()
	Given(t, initiated).When(Cancel{Reason: strings.Repeat("é", LongestReason+1)}).ThenRejected(rejection.Invalid, "reason")
}

func TestCancelEndsAnUnpaidHold(t *testing.T) {
	s := Given(t, initiated).When(cancel).Then(cancelled).State()
	require.Equal(t, Cancelled, s.Status)
	require.Equal(t, &cancelled.CancelledAt, s.CancelledAt)
	require.False(t, s.Holding())
	Given(t, initiated, requested, declined(2)).When(cancel).Then(cancelled)
}

func TestAPaymentInProgressComesBeforeACancellation(t *testing.T) {
	Given(t, initiated, requested).When(cancel).ThenRejected(rejection.PaymentInProgress)
	Given(t, initiated, requested, declined(2), second).When(Cancel{GivenUp: "pay_1"}).ThenRejected(rejection.PaymentInProgress)
	Given(t, initiated, requested).When(Cancel{Reason: cancel.Reason, GivenUp: "pay_1"}).Then(cancelled)
}

func TestOnlyAHoldCanBeCancelled(t *testing.T) {
	Given(t, initiated, requested, completed).When(cancel).ThenRejected(rejection.InvalidState)
	Given(t, initiated, cancelled).When(cancel).ThenRejected(rejection.InvalidState)
	Given(t, initiated, requested, compensated).When(cancel).ThenRejected(rejection.InvalidState)
	Given(t, initiated, requested, completed, refunded).When(cancel).ThenRejected(rejection.InvalidState)
	Given(t, initiated, expiredNow).When(cancel).ThenRejected(rejection.ReservationExpired)
}

func TestExpireEndsAHoldWhoseTimeIsOver(t *testing.T) {
	s := Given(t, initiated).At(expiresAt).When(Expire{}).Then(expiredNow).State()
	require.Equal(t, Expired, s.Status)
	require.Equal(t, &expiredNow.ExpiredAt, s.ExpiredAt)
	require.False(t, s.Holding())
}

func TestExpireWaitsForTheTime(t *testing.T) {
	Given(t, initiated).At(expiresAt.Add(-moment)).When(Expire{}).ThenNothing()
	Given(t, initiated, requested, declined(2)).At(expiresAt).When(Expire{}).ThenNothing()
	Given(t, initiated, requested, declined(2)).At(requested.ExpiresAt).When(Expire{}).Then(ReservationExpired{ExpiredAt: requested.ExpiresAt})
}

func TestAPaymentIsGivenUpAtTheGatewayBeforeTheHoldExpires(t *testing.T) {
	over := requested.ExpiresAt
	s := Given(t, initiated, requested)
	s.At(over).When(Expire{}).ThenRejected(rejection.PaymentInProgress)
	s.At(over).When(Expire{GivenUp: "pay_2"}).ThenRejected(rejection.PaymentInProgress)
	s.At(over).When(Expire{GivenUp: "pay_1"}).Then(ReservationExpired{ExpiredAt: over})
	s.At(over.Add(-moment)).When(Expire{GivenUp: "pay_1"}).ThenNothing()
}

// The sweep reads its list before it expires reservations.
func TestExpireChangesNothingThatIsOver(t *testing.T) {
	for name, history := range map[string][]DomainEvent{
		"completed":   {initiated, requested, completed},
		"cancelled":   {initiated, cancelled},
		"expired":     {initiated, expiredNow},
		"compensated": {initiated, requested, compensated},
		"refunded":    {initiated, requested, completed, refunded},
	} {
		t.Run(name, func(t *testing.T) {
			Given(t, history...).At(requested.ExpiresAt.Add(hold)).When(Expire{}).ThenNothing()
			Given(t, history...).At(requested.ExpiresAt.Add(hold)).When(Expire{GivenUp: "pay_1"}).ThenNothing()
		})
	}
}

func TestRefundEndsACompletedReservation(t *testing.T) {
	s := Given(t, initiated, requested, completed).When(Refund{PaymentID: "pay_1"}).Then(refunded).State()
	require.Equal(t, Refunded, s.Status)
	require.Equal(t, &refunded.RefundedAt, s.RefundedAt)
	require.Equal(t, &completed.CompletedAt, s.CompletedAt)
}

func TestRefundOfWhatCostNothing(t *testing.T) {
	Given(t, free, ReservationCompleted{CompletedAt: now}).When(Refund{}).Then(ReservationRefunded{RefundedAt: now})
}

func TestRefundTwiceChangesNothing(t *testing.T) {
	Given(t, initiated, requested, completed, refunded).When(Refund{PaymentID: "pay_1"}).ThenNothing()
}

// A late second payment that is sent back must not take the tickets that the first one bought.
func TestRefundOfAnotherPaymentDoesNotEndTheReservation(t *testing.T) {
	Given(t, initiated, requested, completed).When(Refund{PaymentID: "pay_2"}).ThenRejected(rejection.InvalidState)
}

func TestOnlyACompletedReservationIsRefunded(t *testing.T) {
	for name, history := range map[string][]DomainEvent{
		"reserved": {initiated}, "pending": {initiated, requested}, "cancelled": {initiated, requested, cancelled},
		"expired": {initiated, requested, expiredNow}, "compensated": {initiated, requested, compensated},
	} {
		t.Run(name, func(t *testing.T) {
			Given(t, history...).When(Refund{PaymentID: "pay_1"}).ThenRejected(rejection.InvalidState)
		})
	}
}
