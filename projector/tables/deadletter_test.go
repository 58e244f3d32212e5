package tables_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/command/reservation"
	"ticketing/projector/events"
	"ticketing/projector/projection"
	"ticketing/projector/readtest"
	"ticketing/projector/reservations"
	"ticketing/projector/tables"
)

func TestUndecodableRecordBlocksItsStreamOnly(t *testing.T) {
	w := readtest.New(t)
	w.Append("event-evt_1", readtest.Created("one"))
	w.Log.AppendRaw(t, "event-evt_1", "EventMoved", 1, `{"to": "the moon"}`)
	w.Append("event-evt_1", event.EventPublished{})
	w.Append("event-evt_2", readtest.Created("two"), event.EventPublished{})
	w.ProjectAll(events.Projection{})
	require.Equal(t, "DRAFT", w.Event("evt_1").Status)
	require.Equal(t, "PUBLISHED", w.Event("evt_2").Status)

	// Later domain events wait as well, and are not counted as dead letters.
	w.Append("event-evt_1", event.SalesOpened{})
	metrics := prometheus.NewRegistry()
	w.Tables.Registerer = metrics
	w.Tables = w.Tables.WithDefaults()
	w.ProjectAll(events.Projection{})
	counted, err := metrics.Gather()
	require.NoError(t, err)
	require.NotEmpty(t, counted)
	for _, m := range counted {
		require.Zero(t, m.GetMetric()[0].GetCounter().GetValue(), m.GetName())
	}
	letters := w.DeadLetters(events.Projection{})
	require.Len(t, letters, 1)
	require.Equal(t, "EventMoved", letters[0].Type)
	require.Equal(t, []int64{2, 4}, []int64{letters[0].Version, letters[0].WaitingVersion})
	require.Contains(t, letters[0].Error, "unknown to this build")

	writer := w.Writer(events.Projection{})
	_, left, err := writer.Replay(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, left, "nothing has changed")

	// A build that knows the type reads the stream on from the log.
	type EventMoved struct{}
	eventstore.Register[EventMoved](w.Tables.Registry, "EventMoved", 1)
	_, left, err = writer.Replay(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, left, "it can be decoded now, but not applied")
	w.RenameType("EventMoved", "SalesClosed")
	replayed, left, err := writer.Replay(t.Context(), "event-evt_2")
	require.NoError(t, err)
	require.Zero(t, replayed+left, "another stream")
	replayed, left, err = writer.Replay(t.Context(), "event-evt_1")
	require.NoError(t, err)
	require.Equal(t, 1, replayed)
	require.Zero(t, left)
	require.Equal(t, "SALES_OPEN", w.Event("evt_1").Status)
	require.EqualValues(t, 4, w.Event("evt_1").Version)

	w.Append("event-evt_1", event.EventCancelled{})
	w.ProjectAll(events.Projection{})
	require.EqualValues(t, 5, w.Event("evt_1").Version)
}

func TestBrokenRecordThatWasAppliedLongAgoIsPassedOver(t *testing.T) {
	w := readtest.New(t)
	w.Append("event-evt_1", readtest.Created("one"), event.EventPublished{}, event.SalesOpened{})
	w.Project(events.Projection{}, w.Records(event.Category)[:2]...)
	w.RenameType("EventPublished", "Gibberish")
	w.ProjectAll(events.Projection{})
	require.EqualValues(t, 3, w.Event("evt_1").Version)
}

// What the database refuses is found among the others, which are written.
func TestRecordThatTheDatabaseRefuses(t *testing.T) {
	w := readtest.New(t)
	bad := readtest.Initiated("usr_2")
	bad.CustomerID = "nul \x00 is no text"
	w.Append("reservation-rsv_1", readtest.Initiated("usr_1"))
	w.Append("reservation-rsv_2", bad, reservation.ReservationCancelled{CancelledAt: readtest.Noon})
	w.Append("reservation-rsv_3", readtest.Initiated("usr_3"), reservation.ReservationCancelled{CancelledAt: readtest.Noon})
	w.ProjectAll(reservations.Projection{})

	require.Equal(t, "SEATS_RESERVED", w.Reservation("rsv_1").Status)
	require.Empty(t, w.Reservation("rsv_2").ID)
	require.Equal(t, "CANCELLED", w.Reservation("rsv_3").Status)
	letters := w.DeadLetters(reservations.Projection{})
	require.Len(t, letters, 1)
	require.Equal(t, "reservation-rsv_2", letters[0].StreamID)
	require.EqualValues(t, 1, letters[0].Version)
}

func TestVersionThatTheLogLacksIsADeadLetter(t *testing.T) {
	w := readtest.New(t)
	w.Append("event-evt_1", readtest.Created("one"), event.EventPublished{}, event.SalesOpened{})
	records := w.Records(event.Category)
	w.ExecEvents(`DELETE FROM domain_events WHERE version = 2`)
	w.Project(events.Projection{}, records[0], records[2])
	letters := w.DeadLetters(events.Projection{})
	require.Len(t, letters, 1)
	require.EqualValues(t, 3, letters[0].Version)
	require.EqualValues(t, 1, w.Event("evt_1").Version)
}

// Who can write to a topic can make any number of records that are no domain events. They must not fill the database.
func TestForeignRecordsAreKeptUpToABound(t *testing.T) {
	w := readtest.New(t)
	metrics := prometheus.NewRegistry()
	w.Tables.Registerer = metrics
	w.Tables = w.Tables.WithDefaults()
	writer := w.Writer(events.Projection{})
	const batches, size = 3, tables.MostForeign * 2 / 3
	for i := range batches {
		var b tables.Batch
		for j := range size {
			b.Foreign = append(b.Foreign, projection.RecordError{
				StreamID: fmt.Sprintf("t/%d/%d", i, j), Type: "unknown", Err: errors.New(strings.Repeat("forged ", 10_000)),
			})
		}
		require.NoError(t, writer.Write(t.Context(), b))
	}
	letters := w.DeadLetters(events.Projection{})
	require.Len(t, letters, tables.MostForeign)
	require.Less(t, len(letters[0].Error), 1_100)
	counted, err := metrics.Gather()
	require.NoError(t, err)
	values := map[string]float64{}
	for _, m := range counted {
		values[m.GetName()] = m.GetMetric()[0].GetCounter().GetValue()
	}
	require.InDelta(t, batches*size, values["ticketing_projector_dead_lettered_total"], 0)
	require.InDelta(t, batches*size-tables.MostForeign, values["ticketing_projector_foreign_not_kept_total"], 0)

	_, left, err := writer.Replay(t.Context())
	require.NoError(t, err)
	require.Zero(t, left, "a replay deletes them")
	require.NoError(t, writer.Write(t.Context(), tables.Batch{Foreign: []projection.RecordError{{StreamID: "t/9/9", Type: "unknown", Err: errors.New("forged")}}}))
	require.Len(t, w.DeadLetters(events.Projection{}), 1, "there is room again")
}
