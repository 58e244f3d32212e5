package payment

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ticketing/command/rejection"
)

// In any order of commands, a paid payment stays paid, no more is refunded than was paid, and the status agrees with the sums.
func TestPaymentUnderRandomCommands(t *testing.T) {
	outcome := rapid.SampledFrom([]Outcome{OutcomeCreated, OutcomeRequiresAction, OutcomeProcessing, OutcomeSucceeded, OutcomeFailed})
	command := rapid.Custom(func(t *rapid.T) Command {
		id := fmt.Sprint("rfd_", rapid.IntRange(1, 5).Draw(t, "refund"))
		return rapid.SampledFrom([]Command{
			process, says(outcome.Draw(t, "outcome")), askAll(id), ask(id, rapid.Int64Range(-1, initiated.Amount.Minor+1).Draw(t, "minor")),
			ask(id, rapid.Int64Range(1, 20_00).Draw(t, "little")),
			RecordRefund{RefundID: id, Failed: rapid.Bool().Draw(t, "failed")},
			ReportRefund{
				RefundID: id, Amount: eur(rapid.Int64Range(1, initiated.Amount.Minor).Draw(t, "reported")),
				Status: rapid.SampledFrom([]RefundStatus{RefundPending, RefundCompleted, RefundRefused}).Draw(t, "status"),
			},
			RecordDispute{
				DisputeID: id, Amount: initiated.Amount,
				Status: rapid.SampledFrom([]DisputeStatus{DisputeOpen, DisputeWon, DisputeLost}).Draw(t, "dispute"),
			},
		}).Draw(t, "command")
	})
	rapid.Check(t, func(t *rapid.T) {
		past := Given(t, DomainEvent(initiated))
		if rapid.Bool().Draw(t, "paid") {
			past = past.When(says(OutcomeSucceeded)).And()
		}
		for range rapid.IntRange(1, 20).Draw(t, "commands") {
			before, c := past.State(), command.Draw(t, "command")
			if !gatewayCould(before, c) {
				continue
			}
			_, err := Decide(before, c, now)
			o := past.When(c)
			if err != nil {
				_, ok := rejection.As(err)
				require.True(t, ok, "%v", err)
				continue
			}
			past = o.And()
			checkPayment(t, before, past.State())
		}
	})
}

// gatewayCould reports whether c records what a gateway can do: it never gives back more than was paid.
func gatewayCould(s State, c Command) bool {
	var refundID string
	switch c := c.(type) {
	case RecordRefund:
		if !c.Failed {
			refundID = c.RefundID
		}
	case ReportRefund:
		if c.Status == RefundCompleted {
			refundID = c.RefundID
		}
	}
	r, _ := s.Refund(refundID)
	return r.Status != RefundPending || s.RefundedMinor()+r.Amount.Minor <= s.Amount.Minor
}

func checkPayment(t *rapid.T, before, after State) {
	if before.CompletedAt != nil {
		require.Equal(t, before.CompletedAt, after.CompletedAt, "a paid payment stays paid")
	}
	pending, given := after.sumRefunds(RefundPending), after.RefundedMinor()
	require.LessOrEqual(t, given, after.Amount.Minor)
	if !slices.ContainsFunc(after.Refunds, func(r Refund) bool { return r.SentBack }) {
		require.GreaterOrEqual(t, given, before.RefundedMinor())
	}
	if after.CompletedAt == nil {
		require.Empty(t, after.Refunds)
		require.Empty(t, after.Disputes)
		return
	}
	require.Equal(t, max(0, after.Amount.Minor-pending-given-after.LostMinor()), after.RefundableMinor())
	switch given {
	case 0:
		require.Equal(t, Completed, after.Status)
	case after.Amount.Minor:
		require.Equal(t, Refunded, after.Status)
	default:
		require.Equal(t, PartiallyRefunded, after.Status)
	}
}
