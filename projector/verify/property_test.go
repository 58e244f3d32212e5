package verify

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ticketing/command/catalog"
	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/money"
	"ticketing/projector/events"
	"ticketing/projector/payments"
	"ticketing/projector/projection"
	"ticketing/projector/reservations"
)

var now = time.Date(2026, 11, 1, 12, 0, 0, 123, time.UTC)

func eur(minor int64) money.Money { return money.Money{Minor: minor, Currency: "EUR"} }

// drawHistory returns what an aggregate decides about a first command and random ones after it.
func drawHistory[S, C, E any](
	t *rapid.T, streamID string, decide func(S, C, time.Time) ([]E, error), evolve func(S, E) S, first C, next *rapid.Generator[C],
) []eventstore.Recorded {
	var state S
	var history []eventstore.Recorded
	clock := now
	for i := range rapid.IntRange(1, 25).Draw(t, "commands") {
		command := first
		if i > 0 {
			command = next.Draw(t, "command")
		}
		decided, err := decide(state, command, clock)
		if err != nil {
			continue // a rejection
		}
		for _, e := range decided {
			state = evolve(state, e)
			name, version, data, err := catalog.Registry().Encode(e)
			require.NoError(t, err)
			history = append(history, eventstore.Recorded{
				Position: int64(len(history) + 1), StreamID: streamID, Version: int64(len(history) + 1), Type: name, SchemaVersion: version,
				Data: data, Metadata: eventstore.Metadata{CorrelationID: "cor_1", Actor: "usr_1"}, RecordedAt: clock,
			})
		}
		clock = clock.Add(time.Duration(rapid.IntRange(0, 60).Draw(t, "minutes")) * time.Minute)
	}
	return history
}

// requireSameRow requires the row that a projection makes of a history, in two batches, to be the one of the aggregate's state.
func requireSameRow[R any, P projection.Row[R]](t *rapid.T, history []eventstore.Recorded, want func(x *expected) (R, error)) {
	x := newExpected(catalog.Registry())
	var records []projection.Record
	for i := range history {
		require.NoError(t, x.log.Apply(&history[i]))
		records = append(records, projection.Decode(catalog.Registry(), history[i]))
	}
	half := rapid.IntRange(1, len(records)).Draw(t, "first batch")
	rows, err := projection.Fold[R, P](records[:half], nil)
	require.NoError(t, err)
	row := *rows[0]
	if half < len(records) {
		rows, err = projection.Fold[R, P](records[half:], []R{row})
		require.NoError(t, err)
		row = *rows[0]
	}
	projected, err := json.Marshal(row)
	require.NoError(t, err)
	wanted, err := want(x)
	require.NoError(t, err)
	report := newReport(20)
	require.NoError(t, compareRow(report, "table", "id", wanted, projected, nil))
	require.Empty(t, report.Findings)
}

func TestAnEventsRowIsThatOfItsState(t *testing.T) {
	t.Parallel()
	text := rapid.SampledFrom([]string{"Jazz", "Ça alors", "日本"})
	most := 4
	created := event.Create{
		OrganizerID: "usr_org", Name: "Jazz", Venue: "Arena", StartsAt: now.Add(1000 * time.Hour), MaxTicketsPerReservation: 8,
		MaxTicketsPerCustomer: &most, PaymentAttempts: 2,
	}
	next := rapid.OneOf(
		rapid.Just[event.Command](event.Publish{}), rapid.Just[event.Command](event.OpenSales{}), rapid.Just[event.Command](event.CloseSales{}),
		rapid.Just[event.Command](event.Complete{}), rapid.Just[event.Command](event.Cancel{Reason: "rain"}),
		rapid.Just[event.Command](event.DeleteDraft{}),
		rapid.Custom(func(t *rapid.T) event.Command {
			name, opens := text.Draw(t, "name"), now.Add(time.Duration(rapid.IntRange(1, 900).Draw(t, "opens"))*time.Hour)
			return event.Update{Name: &name, SalesOpenAt: &opens, TimeZone: new("Asia/Tokyo"), PaymentAttempts: new(4), ClearMaxTicketsPerCustomer: true}
		}),
	)
	rapid.Check(t, func(t *rapid.T) {
		history := drawHistory(t, event.Stream("evt_1"), event.Decide, event.Evolve, event.Command(created), next)
		requireSameRow(t, history, func(x *expected) (events.Row, error) {
			row, err := x.eventRow("evt_1")
			return row.Row, err
		})
	})
}

func TestAReservationsRowIsThatOfItsState(t *testing.T) {
	t.Parallel()
	initiate := reservation.Initiate{
		EventID: "evt_1", CustomerID: "usr_1", Seats: []reservation.Seat{{Section: "Floor", Price: eur(20_00)}, {Section: "Stalls", Label: "A-1", Price: eur(45_50)}},
		Total: eur(65_50), PaymentAttempts: 3, Hold: time.Hour,
	}
	next := rapid.Custom(func(t *rapid.T) reservation.Command {
		paymentID := fmt.Sprint("pay_", rapid.IntRange(1, 3).Draw(t, "payment"))
		return rapid.SampledFrom([]reservation.Command{
			reservation.RequestPayment{PaymentID: paymentID, Hold: 10 * time.Minute},
			reservation.FailPayment{PaymentID: paymentID, Reason: "Your card was declined."},
			reservation.FailPayment{PaymentID: paymentID, Outage: true, Reason: "The gateway is down."},
			reservation.Complete{PaymentID: paymentID}, reservation.Complete{}, reservation.Cancel{Reason: "too late"},
			reservation.ReturnTickets{PaymentID: paymentID, RefundID: "rfd_1", Ordinals: []int{rapid.IntRange(0, 1).Draw(t, "ticket")}},
			reservation.Cancel{GivenUp: paymentID}, reservation.Expire{}, reservation.Expire{GivenUp: paymentID}, reservation.Refund{PaymentID: paymentID},
		}).Draw(t, "kind")
	})
	rapid.Check(t, func(t *rapid.T) {
		history := drawHistory(t, reservation.Stream("rsv_1"), reservation.Decide, reservation.Evolve, reservation.Command(initiate), next)
		requireSameRow(t, history, func(x *expected) (reservations.Row, error) { return x.reservationRow("rsv_1") })
	})
}

func TestAPaymentsRowIsThatOfItsState(t *testing.T) {
	t.Parallel()
	process := payment.Process{
		ReservationID: "rsv_1", CustomerID: "usr_1", EventID: "evt_1", Amount: eur(70_00), Gateway: "stripe", Method: "card",
	}
	outcomes := []payment.Outcome{payment.OutcomeCreated, payment.OutcomeRequiresAction, payment.OutcomeProcessing, payment.OutcomeSucceeded, payment.OutcomeFailed}
	refunds := []payment.RefundStatus{payment.RefundPending, payment.RefundCompleted, payment.RefundRefused}
	disputes := []payment.DisputeStatus{payment.DisputeOpen, payment.DisputeWon, payment.DisputeLost}
	next := rapid.Custom(func(t *rapid.T) payment.Command {
		id, amount := strconv.Itoa(rapid.IntRange(1, 4).Draw(t, "id")), eur(rapid.Int64Range(1, 70_00).Draw(t, "minor"))
		return rapid.SampledFrom([]payment.Command{
			payment.RecordOutcome{Outcome: rapid.SampledFrom(outcomes).Draw(t, "outcome"), TransactionID: "pi_1", Code: payment.Declined, Reason: "declined"},
			payment.RecordOutcome{Outcome: payment.OutcomeSucceeded, TransactionID: "pi_1"},
			payment.RequestRefund{RefundID: id, Amount: &amount, Cause: payment.CauseRequested, Reason: "rain"},
			payment.RequestRefund{RefundID: id, Cause: payment.CauseRequested},
			payment.RequestRefund{RefundID: id, Tickets: []payment.Ticket{{Ordinal: len(id), Section: "Floor", Price: amount}}, Cause: payment.CauseRequested},
			payment.RetryRefund{RefundID: id},
			payment.RecordRefund{RefundID: id, Failed: rapid.Bool().Draw(t, "failed")},
			payment.ReportRefund{RefundID: id, Amount: amount, Status: rapid.SampledFrom(refunds).Draw(t, "status")},
			payment.RecordDispute{DisputeID: "dp_" + id, Amount: amount, Status: rapid.SampledFrom(disputes).Draw(t, "dispute")},
		}).Draw(t, "kind")
	})
	rapid.Check(t, func(t *rapid.T) {
		history := drawHistory(t, payment.Stream("pay_1"), payment.Decide, payment.Evolve, payment.Command(process), next)
		requireSameRow(t, history, func(x *expected) (payments.Row, error) { return x.paymentRow("pay_1") })
	})
}
