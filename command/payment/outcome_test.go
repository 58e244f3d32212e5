package payment

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
)

func TestProcessStartsAPayment(t *testing.T) {
	s := Given(t).When(process).Then(initiated).State()
	require.Equal(t, State{
		Status: Initiated, ReservationID: "rsv_1", CustomerID: "usr_alice", EventID: "evt_1", Amount: eur(70_00),
		Gateway: "stripe", Method: "card", CreatedAt: now,
	}, s)
	require.True(t, s.Undecided())
}

func TestAPaymentIsStartedOnce(t *testing.T) {
	Given(t, initiated).When(process).ThenRejected(rejection.InvalidState)
	Given(t, initiated, failed).When(process).ThenRejected(rejection.InvalidState)
}

func TestThereMustBeSomethingToPay(t *testing.T) {
	for _, minor := range []int64{0, -1} {
		c := process
		c.Amount = eur(minor)
		Given(t).When(c).ThenRejected(rejection.Invalid)
	}
}

func TestAPaymentThatDoesNotExistIsNotFound(t *testing.T) {
	for _, c := range []Command{says(OutcomeSucceeded), says(OutcomeFailed), RequestRefund{}, RecordRefund{}} {
		Given(t).When(c).ThenRejected(rejection.NotFound, "paymentId")
	}
}

// leadsTo lists what each outcome leads to in each state; all others change nothing.
func TestAPaymentOnlyMovesForward(t *testing.T) {
	states := map[Status][]DomainEvent{
		Initiated:         {initiated},
		Processing:        {initiated, processing},
		RequiresAction:    {initiated, processing, action},
		Completed:         {initiated, processing, completed},
		Failed:            {initiated, processing, failed},
		PartiallyRefunded: {initiated, completed, asked("rfd_1", 1), given("rfd_1", 1)},
		Refunded:          {initiated, completed, asked("rfd_1", 70_00), given("rfd_1", 70_00)},
	}
	leadsTo := map[Status]map[Outcome]DomainEvent{
		Initiated: {
			OutcomeCreated: processing, OutcomeProcessing: processing, OutcomeRequiresAction: action, OutcomeSucceeded: completed, OutcomeFailed: failed,
		},
		Processing:     {OutcomeRequiresAction: action, OutcomeSucceeded: completed, OutcomeFailed: failed},
		RequiresAction: {OutcomeProcessing: processing, OutcomeSucceeded: completed, OutcomeFailed: failed},
		Failed:         {OutcomeSucceeded: completed},
	}
	for status, history := range states {
		require.Equal(t, status, Given(t, history...).State().Status)
		for _, outcome := range []Outcome{OutcomeCreated, OutcomeRequiresAction, OutcomeProcessing, OutcomeSucceeded, OutcomeFailed} {
			t.Run(string(status)+"/"+string(outcome), func(t *testing.T) {
				o := Given(t, history...).When(says(outcome))
				if want := leadsTo[status][outcome]; want != nil {
					o.Then(want)
				} else {
					o.ThenNothing()
				}
			})
		}
	}
}

func TestASuccessReplacesAFailure(t *testing.T) {
	s := Given(t, initiated, processing, failed).When(says(OutcomeSucceeded)).Then(completed).State()
	require.Equal(t, Completed, s.Status)
	require.Nil(t, s.FailedAt)
	require.Empty(t, s.FailureCode)
	require.Empty(t, s.FailureReason)
	require.Equal(t, &completed.CompletedAt, s.CompletedAt)
}

func TestAFailureKeepsItsReasonAndTheTransaction(t *testing.T) {
	for _, code := range []FailureCode{Declined, GatewayUnavailable, Abandoned} {
		s := Given(t, initiated, processing).When(RecordOutcome{Outcome: OutcomeFailed, Code: code, Reason: "No."}).
			Then(PaymentFailed{Code: code, Reason: "No.", FailedAt: now}).State()
		require.Equal(t, Failed, s.Status)
		require.Equal(t, "pi_1", s.TransactionID, "the gateway can still be asked about it")
		require.False(t, s.Undecided())
	}
}

func TestAPaymentIsUndecidedUntilItCompletesOrFails(t *testing.T) {
	require.True(t, Given(t, initiated, processing).State().Undecided())
	require.True(t, Given(t, initiated, processing, action).State().Undecided())
	require.False(t, Given(t, initiated, completed).State().Undecided())
	require.False(t, State{}.Undecided())
}

func TestStatusIsThatOfTheAPI(t *testing.T) {
	require.Equal(t, []Status{"INITIATED", "REQUIRES_ACTION", "PROCESSING", "COMPLETED", "FAILED", "PARTIALLY_REFUNDED", "REFUNDED"},
		[]Status{Initiated, RequiresAction, Processing, Completed, Failed, PartiallyRefunded, Refunded})
	require.Equal(t, []RefundStatus{"PENDING", "COMPLETED", "FAILED"}, []RefundStatus{RefundPending, RefundCompleted, RefundRefused})
}

func TestStreamIsNamedAfterThePayment(t *testing.T) {
	require.Equal(t, "payment-pay_1", Stream("pay_1"))
}
