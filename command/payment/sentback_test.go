package payment

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func sentBack(refundID string, minor int64) RefundSentBack {
	return RefundSentBack{RefundID: refundID, Amount: eur(minor), Reason: "account closed", SentBackAt: now}
}

func TestARefundThatTheBankSendsBack(t *testing.T) {
	no := RecordRefund{RefundID: "rfd_1", Failed: true, Reason: "account closed"}
	full := Given(t, initiated, completed, asked("rfd_1", 70_00), given("rfd_1", 70_00)).When(no).Then(sentBack("rfd_1", 70_00))
	require.Equal(t, Completed, full.State().Status, "paid again")
	require.Equal(t, RefundRefused, full.State().Refunds[0].Status)
	require.Equal(t, "account closed", full.State().Refunds[0].Failure)
	require.EqualValues(t, 70_00, full.State().RefundableMinor())
	full.And().When(no).ThenNothing()
	full.And().When(askAll("rfd_2")).Then(asked("rfd_2", 70_00))

	part := Given(t, initiated, completed, asked("rfd_1", 20_00), given("rfd_1", 20_00), asked("rfd_2", 50_00), given("rfd_2", 50_00)).When(no)
	require.Equal(t, PartiallyRefunded, part.Then(sentBack("rfd_1", 20_00)).State().Status)
}

func TestARefundThatWasSentBackIsGivenByItsNextAttempt(t *testing.T) {
	past := Given(t, initiated, completed, asked("rfd_1", 70_00), given("rfd_1", 70_00), sentBack("rfd_1", 70_00), retried("rfd_1", 1))
	for _, late := range []RecordRefund{recorded("rfd_1"), {RefundID: "rfd_1", Failed: true, Reason: "account closed"}} {
		past.When(late).ThenNothing()
	}
	again := past.When(RecordRefund{RefundID: "rfd_1", Attempt: 1}).Then(given("rfd_1", 70_00))
	require.Equal(t, Refunded, again.State().Status)
	twice := sentBack("rfd_1", 70_00)
	twice.Attempt = 1
	again.And().When(RecordRefund{RefundID: "rfd_1", Attempt: 1, Failed: true, Reason: "account closed"}).Then(twice)
}

func TestARefundOfTheDashboardThatTheBankSendsBack(t *testing.T) {
	done := Given(t, initiated, completed).When(report("rfd_1", 20_00, RefundCompleted)).And()
	s := done.When(report("rfd_1", 20_00, RefundRefused)).Then(sentBack("rfd_1", 20_00)).State()
	require.Equal(t, Completed, s.Status)
	require.EqualValues(t, 70_00, s.RefundableMinor())
}
