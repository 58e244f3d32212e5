package payment

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
)

func retried(refundID string, attempt int) RefundRetried {
	return RefundRetried{RefundID: refundID, Attempt: attempt, RetriedAt: now}
}

func TestARefundThatFailedIsRequestedAnew(t *testing.T) {
	failed := RefundFailed{RefundID: "rfd_1", Reason: "account closed", FailedAt: now}
	s := Given(t, initiated, completed, asked("rfd_1", 20_00), failed)
	require.Equal(t, "account closed", s.State().Refunds[0].Failure)
	again := s.When(RetryRefund{RefundID: "rfd_1"}).Then(retried("rfd_1", 1))
	require.Equal(t, RefundPending, again.State().Refunds[0].Status)
	require.Empty(t, again.State().Refunds[0].Failure)
	past := Given(t, initiated, completed, asked("rfd_1", 20_00), failed, retried("rfd_1", 1))
	past.When(RecordRefund{RefundID: "rfd_1", Failed: true, Reason: "late news of the first attempt"}).ThenNothing()
	past.When(RecordRefund{RefundID: "rfd_1", Attempt: 1}).Then(given("rfd_1", 20_00))
	Given(t, initiated, completed, asked("rfd_1", 20_00), failed, asked("rfd_2", 60_00)).When(RetryRefund{RefundID: "rfd_1"}).
		ThenRejected(rejection.InvalidState)
}

func TestARefundThatWaitsIsRequestedAnewWithTheSameKey(t *testing.T) {
	Given(t, initiated, completed, asked("rfd_1", 20_00)).When(RetryRefund{RefundID: "rfd_1"}).Then(retried("rfd_1", 0))
	Given(t, initiated, completed, asked("rfd_1", 20_00), given("rfd_1", 20_00)).When(RetryRefund{RefundID: "rfd_1"}).ThenRejected(rejection.InvalidState)
	Given(t, initiated, completed).When(RetryRefund{RefundID: "rfd_1"}).ThenRejected(rejection.NotFound, "refundId")
}
