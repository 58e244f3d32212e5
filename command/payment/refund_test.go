package payment

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
	"ticketing/internal/money"
)

func ask(refundID string, minor int64) RequestRefund {
	return RequestRefund{RefundID: refundID, Amount: new(eur(minor)), Cause: CauseRequested, Reason: "rain"}
}

func askAll(refundID string) RequestRefund {
	return RequestRefund{RefundID: refundID, Cause: CauseRequested, Reason: "rain"}
}

func recorded(refundID string) RecordRefund { return RecordRefund{RefundID: refundID} }

func TestRefundInPart(t *testing.T) {
	s := Given(t, initiated, completed).When(ask("rfd_1", 20_00)).Then(asked("rfd_1", 20_00)).State()
	require.Equal(t, Completed, s.Status, "nothing was given back yet")
	require.Equal(t, []Refund{{
		ID: "rfd_1", Amount: eur(20_00), Cause: CauseRequested, Reason: "rain", Status: RefundPending, RequestedAt: now,
	}}, s.Refunds)
	require.EqualValues(t, 50_00, s.RefundableMinor())
	require.EqualValues(t, 0, s.RefundedMinor())
}

func TestARefundWithoutAReasonExplainsItsCause(t *testing.T) {
	for _, cause := range []RefundCause{CauseTooLate, CauseEventCancelled} {
		s := Given(t, initiated, completed).When(RequestRefund{RefundID: "rfd_1", Cause: cause}).ThenAccepted().State()
		require.Equal(t, cause, s.Refunds[0].Cause)
		require.NotEmpty(t, s.Refunds[0].Reason)
		require.Equal(t, cause.Explanation(), s.Refunds[0].Reason)
	}
}

func TestTheReasonOfARefundIsBounded(t *testing.T) {
	c := ask("rfd_1", 1)
	c.Reason = strings.Repeat("é", LongestReason)
	Given(t, initiated, completed).When(c).ThenAccepted()
	c.Reason += "é"
	Given(t, initiated, completed).When(c).ThenRejected(rejection.Invalid, "reason")
}

func TestRefundOfAllThatIsLeft(t *testing.T) {
	Given(t, initiated, completed).When(askAll("rfd_1")).Then(asked("rfd_1", 70_00))
	Given(t, initiated, completed, asked("rfd_1", 20_00)).When(askAll("rfd_2")).Then(asked("rfd_2", 50_00))
	Given(t, initiated, completed, asked("rfd_1", 20_00), given("rfd_1", 20_00)).When(askAll("rfd_2")).Then(asked("rfd_2", 50_00))
}

func TestPendingRefundsCountAgainstWhatIsLeft(t *testing.T) {
	pending := Given(t, initiated, completed, asked("rfd_1", 60_00))
	pending.When(ask("rfd_2", 10_00)).ThenAccepted()
	pending.When(ask("rfd_2", 10_01)).ThenRejected(rejection.Invalid, "amount", "amount")
	Given(t, initiated, completed, asked("rfd_1", 60_00), given("rfd_1", 60_00)).When(ask("rfd_2", 10_01)).
		ThenRejected(rejection.Invalid, "amount", "amount")
}

func TestAFailedRefundCanBeRequestedAgain(t *testing.T) {
	Given(t, initiated, completed, asked("rfd_1", 60_00), refused("rfd_1")).When(ask("rfd_2", 70_00)).Then(asked("rfd_2", 70_00))
}

func TestNothingIsLeftToRefund(t *testing.T) {
	Given(t, initiated, completed, asked("rfd_1", 70_00)).When(ask("rfd_2", 1)).ThenRejected(rejection.Invalid, "amount", "amount")
	Given(t, initiated, completed, asked("rfd_1", 70_00)).When(askAll("rfd_2")).ThenRejected(rejection.InvalidState)
	Given(t, initiated, completed, asked("rfd_1", 70_00), given("rfd_1", 70_00)).When(askAll("rfd_2")).ThenRejected(rejection.InvalidState)
}

func TestRefundRefuses(t *testing.T) {
	paid := Given(t, initiated, completed)
	paid.When(ask("rfd_1", 0)).ThenRejected(rejection.Invalid, "amount", "amount")
	paid.When(ask("rfd_1", -1)).ThenRejected(rejection.Invalid, "amount", "amount")
	paid.When(ask("rfd_1", 70_01)).ThenRejected(rejection.Invalid, "amount", "amount")
	paid.When(RequestRefund{RefundID: "rfd_1", Amount: &money.Money{Minor: 1, Currency: "USD"}}).ThenRejected(rejection.Invalid, "amount", "currencyCode")
}

func TestOnlyWhatWasPaidIsRefunded(t *testing.T) {
	for name, history := range map[string][]DomainEvent{
		"initiated": {initiated}, "processing": {initiated, processing}, "action": {initiated, action}, "failed": {initiated, failed},
	} {
		t.Run(name, func(t *testing.T) {
			Given(t, history...).When(askAll("rfd_1")).ThenRejected(rejection.InvalidState)
			require.Zero(t, Given(t, history...).State().RefundableMinor())
		})
	}
}

func TestARefundIsRequestedOnce(t *testing.T) {
	Given(t, initiated, completed, asked("rfd_1", 20_00)).When(ask("rfd_1", 20_00)).ThenNothing()
	Given(t, initiated, completed, asked("rfd_1", 70_00)).When(askAll("rfd_1")).ThenNothing()
	Given(t, initiated, completed, asked("rfd_1", 20_00), refused("rfd_1")).When(ask("rfd_1", 20_00)).ThenNothing()
}

func TestAFullRefund(t *testing.T) {
	s := Given(t, initiated, completed, asked("rfd_1", 70_00)).When(recorded("rfd_1")).Then(given("rfd_1", 70_00)).State()
	require.Equal(t, Refunded, s.Status)
	require.Equal(t, RefundCompleted, s.Refunds[0].Status)
	require.EqualValues(t, 70_00, s.RefundedMinor())
	require.Zero(t, s.RefundableMinor())
}

func TestAPartialRefundAndThenTheRest(t *testing.T) {
	first := Given(t, initiated, completed, asked("rfd_1", 20_00), asked("rfd_2", 50_00)).When(recorded("rfd_2")).Then(given("rfd_2", 50_00))
	require.Equal(t, PartiallyRefunded, first.State().Status)
	require.Equal(t, []RefundStatus{RefundPending, RefundCompleted}, []RefundStatus{first.State().Refunds[0].Status, first.State().Refunds[1].Status})
	require.Equal(t, Refunded, first.And().When(recorded("rfd_1")).Then(given("rfd_1", 20_00)).State().Status)
}

func TestAFailedRefundGivesNothingBack(t *testing.T) {
	no := RecordRefund{RefundID: "rfd_1", Failed: true, Reason: "account closed"}
	s := Given(t, initiated, completed, asked("rfd_1", 70_00)).When(no).Then(refused("rfd_1")).State()
	require.Equal(t, Completed, s.Status)
	require.Equal(t, RefundRefused, s.Refunds[0].Status)
	require.EqualValues(t, 70_00, s.RefundableMinor())

	after := Given(t, initiated, completed, asked("rfd_2", 20_00), given("rfd_2", 20_00), asked("rfd_1", 50_00)).When(no).State()
	require.Equal(t, PartiallyRefunded, after.Status)
}

func TestARefundEndsOnce(t *testing.T) {
	no := RecordRefund{RefundID: "rfd_1", Failed: true, Reason: "account closed"}
	Given(t, initiated, completed, asked("rfd_1", 70_00), given("rfd_1", 70_00)).When(recorded("rfd_1")).ThenNothing()
	for _, again := range []RecordRefund{recorded("rfd_1"), no} {
		Given(t, initiated, completed, asked("rfd_1", 70_00), refused("rfd_1")).When(again).ThenNothing()
	}
}

func TestARefundThatWasNotRequestedIsNotFound(t *testing.T) {
	Given(t, initiated, completed, asked("rfd_1", 1)).When(recorded("rfd_2")).ThenRejected(rejection.NotFound, "refundId")
	Given(t, initiated).When(recorded("rfd_1")).ThenRejected(rejection.NotFound, "refundId")
}

func TestEvolveLeavesTheStateBeforeItUnchanged(t *testing.T) {
	state := Given(t, initiated, completed, asked("rfd_1", 1), asked("rfd_2", 2)).State()
	Evolve(state, given("rfd_1", 1))
	Evolve(state, asked("rfd_3", 3))
	one, other := Evolve(state, asked("rfd_4", 4)), Evolve(state, asked("rfd_5", 5))
	require.Equal(t, Given(t, initiated, completed, asked("rfd_1", 1), asked("rfd_2", 2)).State(), state)
	require.Equal(t, "rfd_4", one.Refunds[2].ID)
	require.Equal(t, "rfd_5", other.Refunds[2].ID)
}
