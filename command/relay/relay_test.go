package relay

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/event"
	"ticketing/command/payment"
	"ticketing/internal/testenv"

	"ticketing/command/relay/progress"
)

func TestPublishesTheLogInOrder(t *testing.T) {
	w := newWorld(t)
	w.log.Append(t, "event-evt_1", created("a"), event.EventPublished{})
	w.log.Append(t, "payment-pay_1", payment.PaymentInitiated{Gateway: "sandbox"})
	w.log.Append(t, "unheard-of-1", event.EventPublished{})
	w.log.Append(t, "event-evt_1", event.SalesOpened{})
	w.start()
	w.requirePublished(map[string]int{"event-evt_1": 3, "payment-pay_1": 1})

	w.log.Append(t, "event-evt_1", event.SalesClosed{})
	w.requirePublished(map[string]int{"event-evt_1": 4})

	found := w.readPublished()
	require.NotContains(t, found, "unheard-of-1")
	first := found["event-evt_1"][0]
	require.Equal(t, "EventCreated", first.Type)
	require.Equal(t, "/ticketing/log/0", first.Source)
	require.Equal(t, "cor_1", first.CorrelationID)
	require.EqualValues(t, 1, first.Position)
	require.JSONEq(t, `"a"`, string(first.Data[len(`{"organizerId":"","name":`):][:3]))
	require.EqualValues(t, 5, found["event-evt_1"][2].Position)
}

// A relay may die after any step: at worst records are published twice.
func TestNothingIsLostBetweenPublishingAndMovingTheCursor(t *testing.T) {
	w := newWorld(t)
	w.log.Append(t, "event-evt_1", created("a"), event.EventPublished{})
	s := w.openSession()
	moved, err := s.publishNews(t.Context())
	require.NoError(t, err)
	require.True(t, moved)

	w.log.Append(t, "event-evt_1", event.SalesOpened{})
	w.publishUnrecorded(s, s.cursor.Position) // it dies after publishing, before it moves the cursor
	require.EqualValues(t, 2, w.cursor())
	w.kill(s)

	w.log.Append(t, "event-evt_1", event.SalesClosed{})
	w.start()
	w.requirePublished(map[string]int{"event-evt_1": 4})
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return w.cursor() == 4, "cursor" })
	require.Len(t, w.readPublished()["event-evt_1"], 5, "one of them twice")
	require.Zero(t, w.refills(), "a duplicate is not a loss")
}

func TestTheCursorStaysWhereItIsWhenPublishingFails(t *testing.T) {
	w := newWorld(t)
	w.log.Append(t, "event-evt_1", created("a"))
	s := w.openSession()
	s.client.Close()
	_, err := s.publishNews(t.Context())
	require.Error(t, err)
	require.Zero(t, w.cursor())
}

func TestCursorIsMovedByOneRelayOnly(t *testing.T) {
	w := newWorld(t)
	s := w.openSession()
	_, err := w.cfg.Pool.Exec(t.Context(), `UPDATE relay_cursor SET position = 7`)
	require.NoError(t, err)
	require.ErrorIs(t, s.cursor.Move(t.Context(), s.db, 1, nil), progress.ErrOutrun)
	require.EqualValues(t, 7, w.cursor())
}

// The holder neither renews its lease nor lets go of it, as a frozen process, or one behind a pooler that keeps its connection open.
func TestAFrozenRelayIsReplacedWithinSeconds(t *testing.T) {
	w := newWorld(t)
	frozen := w.openSession()
	require.ErrorIs(t, newLease(w.cfg.Pool).take(t.Context()), errStandby)
	w.start() // stands by
	began := time.Now()
	w.log.Append(t, "event-evt_1", created("a"))
	w.requirePublished(map[string]int{"event-evt_1": 1})
	require.Less(t, time.Since(began), leaseTTL+5*time.Second)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return w.cursor() == 1, "cursor" })

	_, err := frozen.publishNews(t.Context()) // it wakes up
	require.ErrorIs(t, err, progress.ErrOutrun)
	require.EqualValues(t, 1, w.cursor())
}

func TestARelayThatStopsIsReplacedAtOnce(t *testing.T) {
	w := newWorld(t)
	stop := w.start()
	w.log.Append(t, "event-evt_1", created("a"))
	w.requirePublished(map[string]int{"event-evt_1": 1})
	stop()
	require.NoError(t, newLease(w.cfg.Pool).take(t.Context()))
}

func TestALeaseThatCannotBeRenewedIsGivenUpBeforeItEnds(t *testing.T) {
	w := newWorld(t)
	l := newLease(w.cfg.Pool)
	require.NoError(t, l.take(t.Context()))
	_, err := w.cfg.Pool.Exec(t.Context(), `UPDATE relay_lease SET holder = 'another', expires_at = now() + interval '1 hour'`)
	require.NoError(t, err)
	require.ErrorIs(t, l.keep(t.Context()), errLeaseLost)

	_, err = w.cfg.Pool.Exec(t.Context(), `ALTER TABLE relay_lease RENAME TO out_of_reach`)
	require.NoError(t, err)
	began := time.Now()
	require.ErrorIs(t, l.keep(t.Context()), errLeaseLost)
	require.Less(t, time.Since(began), leaseTTL)
}

func TestTwoRelaysPublishOnce(t *testing.T) {
	w := newWorld(t)
	w.start()
	w.start()
	want := map[string]int{}
	for i := range 50 {
		stream := fmt.Sprintf("event-evt_%d", i)
		w.log.Append(t, stream, created("a"), event.EventPublished{})
		want[stream] = 2
	}
	w.requirePublished(want)
	for stream, found := range w.readPublished() {
		require.Len(t, found, 2, stream)
	}
}

func TestNewIncarnationIsPublishedFromTheStart(t *testing.T) {
	w := newWorld(t)
	stop := w.start()
	w.log.Append(t, "event-evt_1", created("a"), event.EventPublished{}, event.SalesOpened{})
	w.requirePublished(map[string]int{"event-evt_1": 3})
	before := w.readPublished()["event-evt_1"]

	w.log.NewIncarnation(t, 2) // sales were never opened
	w.log.Append(t, "event-evt_1", event.EventCancelled{})
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		return len(w.readPublished()["event-evt_1"]) == 6, "all three again"
	})
	stop()
	again := w.readPublished()["event-evt_1"][3:]
	require.Equal(t, "EventCancelled", again[2].Type)
	require.NotEqual(t, before[2].ID, again[2].ID)
	require.Equal(t, before[0].ID, again[0].ID, "the same domain event has the same id")
	for _, e := range again {
		require.NotEqual(t, before[0].Incarnation, e.Incarnation)
	}
}

// Such a log is shorter than what was published.
func TestALogRestoredWithoutANewIncarnationIsNotPublished(t *testing.T) {
	w := newWorld(t)
	s := w.openSession()
	w.log.Append(t, "event-evt_1", created("a"), event.EventPublished{})
	_, err := s.publishNews(t.Context())
	require.NoError(t, err)
	_, err = w.cfg.Pool.Exec(t.Context(), `DELETE FROM domain_events WHERE position = 2`)
	require.NoError(t, err)
	err = s.verifyPartitions(t.Context())
	require.ErrorContains(t, err, "without a new incarnation")
}
