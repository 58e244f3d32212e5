package payments_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/payment"
	"ticketing/internal/id"
	"ticketing/projector/payments"
	"ticketing/projector/readtest"
	"ticketing/query"
)

func TestPaymentRow(t *testing.T) {
	w := readtest.New(t)
	w.Append("payment-pay_1", readtest.PaymentInitiated(), payment.PaymentProcessing{TransactionID: "tx"})
	w.Append("payment-pay_2", readtest.PaymentInitiated(), payment.PaymentActionRequired{TransactionID: "tx2"})
	w.ProjectAll(payments.Projection{})
	require.Equal(t, "PROCESSING", w.Payment("pay_1").Status)
	require.Equal(t, "REQUIRES_ACTION", w.Payment("pay_2").Status)
	require.JSONEq(t, `{"correlationId": "cor_1", "method": "card"}`, string(w.Payment("pay_1").Metadata))
	require.Empty(t, w.Payment("pay_1").Refunds)
	require.Nil(t, w.Payment("pay_1").FailureReason)

	w.Append("payment-pay_1", payment.PaymentFailed{Code: payment.Abandoned, Reason: "too late", FailedAt: readtest.Noon})
	w.ProjectAll(payments.Projection{})
	p := w.Payment("pay_1")
	require.Equal(t, []string{"FAILED", "abandoned", "too late"}, []string{p.Status, *p.FailureCode, *p.FailureReason})
	require.Equal(t, &readtest.Noon, p.FailedAt)

	w.Append("payment-pay_1",
		payment.PaymentCompleted{TransactionID: "tx", CompletedAt: readtest.Noon},
		payment.RefundRequested{RefundID: "rfd_1", Amount: readtest.EUR(2000), Reason: "rain", RequestedAt: readtest.Noon},
		payment.RefundRequested{RefundID: "rfd_2", Amount: readtest.EUR(3000), RequestedAt: readtest.Noon},
		payment.PaymentRefunded{RefundID: "rfd_1", Amount: readtest.EUR(2000), RefundedAt: readtest.Noon},
		payment.RefundFailed{RefundID: "rfd_2", Reason: "closed", FailedAt: readtest.Noon})
	w.ProjectAll(payments.Projection{})
	p = w.Payment("pay_1")
	require.Equal(t, "PARTIALLY_REFUNDED", p.Status)
	require.Equal(t, readtest.EUR(2000), p.Refunded)
	require.Equal(t, []query.Refund{
		{ID: "rfd_1", Amount: readtest.EUR(2000), Status: "COMPLETED", Reason: "rain", CreatedAt: readtest.Noon},
		{ID: "rfd_2", Amount: readtest.EUR(3000), Status: "FAILED", CreatedAt: readtest.Noon, FailureReason: "closed"},
	}, p.Refunds)
	require.Nil(t, p.FailedAt)
	require.Nil(t, p.FailureReason)
	require.Equal(t, &readtest.Noon, p.CompletedAt)

	w.Append("payment-pay_1",
		payment.RefundRequested{RefundID: "rfd_3", Amount: readtest.EUR(3000), RequestedAt: readtest.Noon},
		payment.PaymentDisputed{DisputeID: "dp_1", Amount: readtest.EUR(5000), Reason: "fraudulent", DisputedAt: readtest.Noon},
		payment.PaymentDisputed{DisputeID: "dp_2", Amount: readtest.EUR(5000), DisputedAt: readtest.Noon},
		payment.DisputeClosed{DisputeID: "dp_1", Won: true, ClosedAt: readtest.Noon},
		payment.RefundReported{RefundID: "rfd_4", Amount: readtest.EUR(3000), ReportedAt: readtest.Noon},
		payment.PaymentRefunded{RefundID: "rfd_4", Amount: readtest.EUR(3000), RefundedAt: readtest.Noon})
	w.ProjectAll(payments.Projection{})
	p = w.Payment("pay_1")
	require.Equal(t, "REFUNDED", p.Status)
	require.Equal(t, query.Refund{ID: "rfd_4", Amount: readtest.EUR(3000), Status: "COMPLETED", CreatedAt: readtest.Noon}, p.Refunds[3])
	require.Equal(t, []query.Dispute{
		{ID: id.DisputeOf("sandbox", "dp_1"), Amount: readtest.EUR(5000), Status: "WON", CreatedAt: readtest.Noon},
		{ID: id.DisputeOf("sandbox", "dp_2"), Amount: readtest.EUR(5000), Status: "OPEN", CreatedAt: readtest.Noon},
	}, p.Disputes)
	lost := readtest.EUR(2000)
	w.Append("payment-pay_1", payment.DisputeClosed{DisputeID: "dp_2", Amount: &lost, ClosedAt: readtest.Noon})
	w.ProjectAll(payments.Projection{})
	p = w.Payment("pay_1")
	require.Equal(t, query.Dispute{ID: id.DisputeOf("sandbox", "dp_2"), Amount: lost, Status: "LOST", CreatedAt: readtest.Noon}, p.Disputes[1])
	byDispute, err := w.Reader.PaymentsByDispute(t.Context(), []string{p.Disputes[1].ID, "dsp_none"})
	require.NoError(t, err)
	require.Equal(t, "pay_1", byDispute[p.Disputes[1].ID].ID)
	w.Append("payment-pay_1", payment.RefundSentBack{RefundID: "rfd_4", Amount: readtest.EUR(3000), Reason: "account closed", SentBackAt: readtest.Noon})
	w.ProjectAll(payments.Projection{})
	p = w.Payment("pay_1")
	require.Equal(t, "PARTIALLY_REFUNDED", p.Status)
	require.Equal(t, readtest.EUR(2000), p.Refunded)
	require.Equal(t, "account closed", p.Refunds[3].FailureReason)
	byRefund, err := w.Reader.PaymentsByRefund(t.Context(), []string{"rfd_1", "rfd_4", "rfd_none"})
	require.NoError(t, err)
	require.Len(t, byRefund, 4, "all refunds of the payment, which is read once")
	require.Equal(t, "pay_1", byRefund["rfd_1"].ID)

	byReservation, err := w.Reader.PaymentsByReservation(t.Context(), []string{"rsv_1", "rsv_none"})
	require.NoError(t, err)
	require.Len(t, byReservation["rsv_1"], 2)
	require.Empty(t, byReservation["rsv_none"])
}
