package projector

import (
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/stretchr/testify/require"

	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/command/reservation"
)

func TestUndecodableRecordBlocksItsStreamOnly(t *testing.T) {
	w := newWorld(t)
	w.log.Append(t, "event-evt_1", created("one"))
	w.log.AppendRaw(t, "event-evt_1", "EventMoved", 1, `{"to": "the moon"}`)
	w.log.Append(t, "event-evt_1", event.EventPublished{})
	w.log.Append(t, "event-evt_2", created("two"), event.EventPublished{})
	w.project("events", w.records(event.Category)...)
	require.Equal(t, "DRAFT", w.event("evt_1").Status)
	require.Equal(t, "PUBLISHED", w.event("evt_2").Status)

	// Whatever comes later waits as well, and is not counted as another dead letter.
	w.log.Append(t, "event-evt_1", event.SalesOpened{})
	writer := w.writer("events")
	require.NoError(t, writer.write(t.Context(), batch{records: w.records(event.Category)}))
	var counted dto.Metric
	require.NoError(t, writer.metrics.deadLettered.WithLabelValues("events").Write(&counted))
	require.Zero(t, counted.GetCounter().GetValue())
	letters, err := DeadLetters(t.Context(), w.cfg, "events")
	require.NoError(t, err)
	require.Len(t, letters, 1)
	require.Equal(t, "EventMoved", letters[0].Type)
	require.Equal(t, []int64{2, 4}, []int64{letters[0].Version, letters[0].WaitingVersion})
	require.Contains(t, letters[0].Error, "unknown to this build")

	_, left, err := Replay(t.Context(), w.cfg, "events")
	require.NoError(t, err)
	require.Equal(t, 1, left, "nothing has changed")

	// A build that knows the type reads the stream on from the log.
	type EventMoved struct{}
	eventstore.Register[EventMoved](w.cfg.Registry, "EventMoved", 1)
	_, left, err = Replay(t.Context(), w.cfg, "events")
	require.NoError(t, err)
	require.Equal(t, 1, left, "it can be decoded now, but not applied")
	w.rename("EventMoved", "SalesClosed")
	replayed, left, err := Replay(t.Context(), w.cfg, "events", "event-evt_2")
	require.NoError(t, err)
	require.Zero(t, replayed+left, "another stream")
	replayed, left, err = Replay(t.Context(), w.cfg, "events", "event-evt_1")
	require.NoError(t, err)
	require.Equal(t, 1, replayed)
	require.Zero(t, left)
	require.Equal(t, "SALES_OPEN", w.event("evt_1").Status)
	require.EqualValues(t, 4, w.event("evt_1").Version)

	w.log.Append(t, "event-evt_1", event.EventCancelled{})
	w.project("events", w.records(event.Category)...)
	require.EqualValues(t, 5, w.event("evt_1").Version)
}

func TestBrokenRecordThatWasAppliedLongAgoIsPassedOver(t *testing.T) {
	w := newWorld(t)
	w.log.Append(t, "event-evt_1", created("one"), event.EventPublished{}, event.SalesOpened{})
	w.project("events", w.records(event.Category)[:2]...)
	w.rename("EventPublished", "Gibberish")
	w.project("events", w.records(event.Category)...)
	require.EqualValues(t, 3, w.event("evt_1").Version)
}

// What the database refuses is found among the others, which are written.
func TestRecordThatTheDatabaseRefuses(t *testing.T) {
	w := newWorld(t)
	bad := initiated("usr_2")
	bad.CustomerID = "nul \x00 is no text"
	w.log.Append(t, "reservation-rsv_1", initiated("usr_1"))
	w.log.Append(t, "reservation-rsv_2", bad, reservation.ReservationCancelled{CancelledAt: noon})
	w.log.Append(t, "reservation-rsv_3", initiated("usr_3"), reservation.ReservationCancelled{CancelledAt: noon})
	w.project("reservations", w.records(reservation.Category)...)

	require.Equal(t, "SEATS_RESERVED", w.reservation("rsv_1").Status)
	require.Empty(t, w.reservation("rsv_2").ID)
	require.Equal(t, "CANCELLED", w.reservation("rsv_3").Status)
	letters, err := DeadLetters(t.Context(), w.cfg, "reservations")
	require.NoError(t, err)
	require.Len(t, letters, 1)
	require.Equal(t, "reservation-rsv_2", letters[0].StreamID)
	require.EqualValues(t, 1, letters[0].Version)
}

func TestVersionThatTheLogLacksIsADeadLetter(t *testing.T) {
	w := newWorld(t)
	w.log.Append(t, "event-evt_1", created("one"), event.EventPublished{}, event.SalesOpened{})
	records := w.records(event.Category)
	_, err := w.cfg.Events.Exec(t.Context(), `DELETE FROM domain_events WHERE version = 2`)
	require.NoError(t, err)
	w.project("events", records[0], records[2])
	letters, err := DeadLetters(t.Context(), w.cfg, "events")
	require.NoError(t, err)
	require.Len(t, letters, 1)
	require.EqualValues(t, 3, letters[0].Version)
	require.EqualValues(t, 1, w.event("evt_1").Version)
}

// rename changes history, which only a test may do.
func (w *world) rename(from, to string) {
	w.t.Helper()
	_, err := w.cfg.Events.Exec(w.t.Context(), `UPDATE domain_events SET type = $2 WHERE type = $1`, from, to)
	require.NoError(w.t, err)
}
