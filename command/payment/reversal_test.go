package payment

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/rejection"
	"ticketing/internal/money"
)

func reported(refundID string, minor int64) RefundReported {
	return RefundReported{RefundID: refundID, Amount: eur(minor), ReportedAt: now}
}

func report(refundID string, minor int64, status RefundStatus) ReportRefund {
	return ReportRefund{RefundID: refundID, Amount: eur(minor), Status: status, Reason: "account closed"}
}

func dispute(status DisputeStatus) RecordDispute {
	return RecordDispute{DisputeID: "dp_1", Amount: eur(70_00), Reason: "fraudulent", Status: status}
}

var (
	disputed = PaymentDisputed{DisputeID: "dp_1", Amount: eur(70_00), Reason: "fraudulent", DisputedAt: now}
	won      = DisputeClosed{DisputeID: "dp_1", Won: true, ClosedAt: now}
	lost     = DisputeClosed{DisputeID: "dp_1", Amount: new(eur(70_00)), ClosedAt: now}
)

func TestARefundThatWasRequestedAtTheGateway(t *testing.T) {
	paid := Given(t, initiated, completed)
	s := paid.When(report("rfd_1", 20_00, RefundCompleted)).Then(reported("rfd_1", 20_00), given("rfd_1", 20_00)).State()
	require.Equal(t, PartiallyRefunded, s.Status)
	require.True(t, s.Refunds[0].Reported)
	require.Equal(t, Refunded, paid.When(report("rfd_1", 70_00, RefundCompleted)).And().State().Status)
	paid.When(report("rfd_1", 20_00, RefundRefused)).ThenNothing()

	pending := paid.When(report("rfd_1", 20_00, RefundPending)).Then(reported("rfd_1", 20_00)).And()
	require.EqualValues(t, 50_00, pending.State().RefundableMinor())
	pending.When(report("rfd_1", 20_00, RefundPending)).ThenNothing()
	pending.When(report("rfd_1", 20_00, RefundRefused)).Then(refused("rfd_1"))
	done := pending.When(report("rfd_1", 20_00, RefundCompleted)).Then(given("rfd_1", 20_00)).And()
	for _, status := range []RefundStatus{RefundPending, RefundCompleted} {
		done.When(report("rfd_1", 20_00, status)).ThenNothing()
	}
}

func TestARefundKeepsTheAmountOfItsFirstReport(t *testing.T) {
	Given(t, initiated, completed, reported("rfd_1", 20_00)).When(report("rfd_1", 1, RefundCompleted)).Then(given("rfd_1", 20_00))
	Given(t, initiated, completed, asked("rfd_1", 20_00)).When(report("rfd_1", 1, RefundCompleted)).Then(given("rfd_1", 20_00))
}

// Ours fails at the gateway then.
func TestARefundAtTheGatewayMayExceedWhatOursLeaves(t *testing.T) {
	s := Given(t, initiated, completed, asked("rfd_1", 50_00)).When(report("rfd_2", 70_00, RefundCompleted)).
		Then(reported("rfd_2", 70_00), given("rfd_2", 70_00)).State()
	require.Equal(t, Refunded, s.Status)
	require.Zero(t, s.RefundableMinor())
}

func TestNoMoreIsRefundedThanWasPaid(t *testing.T) {
	ours := Given(t, initiated, completed, asked("rfd_1", 70_00), reported("rfd_2", 1), given("rfd_2", 1))
	ours.When(RecordRefund{RefundID: "rfd_1"}).ThenRejected(rejection.Invalid)
	ours.When(RecordRefund{RefundID: "rfd_1", Failed: true, Reason: "account closed"}).Then(refused("rfd_1"))
	theirs := Given(t, initiated, completed, reported("rfd_2", 70_00), asked("rfd_1", 1), given("rfd_1", 1))
	theirs.When(report("rfd_2", 70_00, RefundCompleted)).ThenRejected(rejection.Invalid, "amount", "amount")
}

func TestAReportOfAnImpossibleRefundIsRejected(t *testing.T) {
	Given(t, initiated).When(report("rfd_1", 1, RefundCompleted)).ThenRejected(rejection.InvalidState)
	paid := Given(t, initiated, completed)
	paid.When(report("rfd_1", 70_01, RefundCompleted)).ThenRejected(rejection.Invalid, "amount", "amount")
	paid.When(report("rfd_1", 0, RefundCompleted)).ThenRejected(rejection.Invalid, "amount", "amount")
	paid.When(ReportRefund{RefundID: "rfd_1", Amount: money.Money{Minor: 1, Currency: "USD"}}).ThenRejected(rejection.Invalid, "amount", "amount")
	Given(t, initiated, completed, asked("rfd_1", 60_00), given("rfd_1", 60_00)).When(report("rfd_2", 10_01, RefundCompleted)).
		ThenRejected(rejection.Invalid, "amount", "amount")
}

func TestADispute(t *testing.T) {
	paid := Given(t, initiated, completed)
	open := paid.When(dispute(DisputeOpen)).Then(disputed).And()
	require.True(t, open.State().Disputed())
	require.Equal(t, Completed, open.State().Status, "a dispute is not a refund")
	open.When(dispute(DisputeOpen)).ThenNothing()
	open.When(ask("rfd_1", 1)).ThenRejected(rejection.InvalidState)
	open.When(askAll("rfd_1")).ThenRejected(rejection.InvalidState)

	closed := open.When(dispute(DisputeWon)).Then(won).And()
	require.False(t, closed.State().Disputed())
	closed.When(askAll("rfd_1")).ThenAccepted()
	closed.When(dispute(DisputeLost)).ThenNothing()
	closed.When(dispute(DisputeOpen)).ThenNothing()

	gone := open.When(dispute(DisputeLost)).Then(lost).And()
	require.Zero(t, gone.State().RefundableMinor(), "the money is gone")
	gone.When(askAll("rfd_1")).ThenRejected(rejection.InvalidState)
	gone.When(ask("rfd_1", 1)).ThenRejected(rejection.Invalid, "amount", "amount")
	paid.When(dispute(DisputeLost)).Then(disputed, lost)
	Given(t, initiated, failed).When(dispute(DisputeOpen)).ThenRejected(rejection.InvalidState)
}

// Banks may give the customer a part of the money.
func TestADisputeIsLostByWhatWasPaidOut(t *testing.T) {
	open := Given(t, initiated, completed, disputed)
	part := DisputeClosed{DisputeID: "dp_1", Amount: new(eur(20_00)), ClosedAt: now}
	s := open.When(RecordDispute{DisputeID: "dp_1", Amount: eur(20_00), Status: DisputeLost}).Then(part)
	require.Equal(t, eur(20_00), s.State().Disputes[0].Amount)
	require.EqualValues(t, 50_00, s.State().RefundableMinor())
	s.And().When(askAll("rfd_1")).Then(asked("rfd_1", 50_00))
	for _, amount := range []money.Money{eur(85_00), {Minor: 70_00, Currency: "USD"}} { // with the bank's fee, in its own currency
		open.When(RecordDispute{DisputeID: "dp_1", Amount: amount, Status: DisputeLost}).Then(lost)
	}
	before := Given(t, initiated, completed, disputed, DisputeClosed{DisputeID: "dp_1", ClosedAt: now}) // as it was recorded before amounts were
	require.EqualValues(t, 70_00, before.State().LostMinor())
}

func TestADisputeLeavesTheStateBeforeItUnchanged(t *testing.T) {
	state := Given(t, initiated, completed, disputed).State()
	Evolve(state, won)
	require.True(t, state.Disputed())
}
