package catalog

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/payment"
	"ticketing/internal/money"
)

func TestARefundOfVersion1GetsItsCauseFromItsReason(t *testing.T) {
	for reason, cause := range map[string]payment.RefundCause{
		`"the seats could not be given any more"`: payment.CauseTooLate,
		`"the event was cancelled"`:               payment.CauseEventCancelled,
		`"the event was cancelled, sorry"`:        payment.CauseRequested,
		`"rain"`:                                  payment.CauseRequested,
		`""`:                                      payment.CauseRequested,
	} {
		v1 := `{"refundId":"rfd_1","amount":{"minor":9007199254740993,"currency":"EUR"},"reason":` + reason + `,"requestedAt":"2026-11-02T12:00:00Z"}`
		e, err := Registry().Decode("RefundRequested", 1, json.RawMessage(v1))
		require.NoError(t, err)
		var text string
		require.NoError(t, json.Unmarshal([]byte(reason), &text))
		require.Equal(t, payment.RefundRequested{
			RefundID: "rfd_1", Amount: money.Money{Minor: 1<<53 + 1, Currency: "EUR"}, Cause: cause, Reason: text,
			RequestedAt: time.Date(2026, time.November, 2, 12, 0, 0, 0, time.UTC),
		}, e)
	}
}

func TestARefundOfVersion1WithoutAReasonWasRequested(t *testing.T) {
	e, err := Registry().Decode("RefundRequested", 1, json.RawMessage(`{"refundId":"rfd_1"}`))
	require.NoError(t, err)
	require.Equal(t, payment.RefundRequested{RefundID: "rfd_1", Cause: payment.CauseRequested}, e)
	_, err = Registry().Decode("RefundRequested", 1, json.RawMessage(`[]`))
	require.ErrorContains(t, err, "upcast RefundRequested from version 1")
}
