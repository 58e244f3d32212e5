package relay

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/command/payment"
	"ticketing/internal/testenv"
)

// publishUnnoted publishes a page as a relay does that dies, or has lost its lease, before it can move the cursor.
func (w *world) publishUnnoted(s *session, after int64) {
	w.t.Helper()
	page, err := eventstore.ReadAll(w.t.Context(), w.cfg.Pool, after, pageSize)
	require.NoError(w.t, err)
	require.NotEmpty(w.t, page)
	client, err := kgo.NewClient(append(slices.Clone(w.cfg.Kafka), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	require.NoError(w.t, err)
	defer client.Close()
	for i := range page {
		require.NoError(w.t, client.ProduceSync(w.t.Context(), s.record(&page[i])).FirstErr())
	}
}

func (w *world) refills() (refills int64) {
	w.t.Helper()
	require.NoError(w.t, w.cfg.Pool.QueryRow(w.t.Context(), `SELECT sum(refills) FROM relay_partitions`).Scan(&refills))
	return refills
}

// fill appends streams of both topics and answers how long each is.
func (w *world) fill(from, to int) map[string]int {
	want := map[string]int{}
	for i := from; i < to; i++ {
		stream := fmt.Sprintf("event-evt_%d", i)
		w.log.Append(w.t, stream, created("a"), event.EventPublished{})
		want[stream] = 2
		stream = fmt.Sprintf("payment-pay_%d", i)
		w.log.Append(w.t, stream, payment.PaymentInitiated{})
		want[stream] = 1
	}
	return want
}

func TestDeletedTopicIsFilledAgain(t *testing.T) {
	w := newWorld(t)
	w.start()
	want := w.fill(0, 30)
	w.eventuallyPublished(want)

	_, err := w.admin.DeleteTopics(t.Context(), "events")
	require.NoError(t, err)
	w.eventuallyPublished(want)
	require.Positive(t, w.refills())
	for stream, found := range w.published() {
		require.Len(t, found, want[stream], "%s: the other topic is left alone", stream)
	}

	for stream, count := range w.fill(30, 40) {
		want[stream] = count
	}
	w.eventuallyPublished(want)
}

// The topic is deleted and made anew, and published to before anybody looks: only the offsets and the tail tell.
func TestReplacedTopicIsFilledAgain(t *testing.T) {
	w := newWorld(t)
	stop := w.start()
	want := w.fill(0, 5)
	w.eventuallyPublished(want)
	stop()
	old := w.session()
	w.kill(old)

	_, err := w.admin.DeleteTopics(t.Context(), "events")
	require.NoError(t, err)
	_, err = w.admin.CreateTopics(t.Context(), 3, 1, nil, "events")
	require.NoError(t, err)
	for stream, count := range w.fill(5, 40) {
		want[stream] = count
	}
	w.publishUnnoted(old, 15)

	w.start()
	w.eventuallyPublished(want)
}

func TestLostEndIsFilledAgain(t *testing.T) {
	w := newWorld(t)
	stop := w.start()
	want := w.fill(0, 30)
	w.eventuallyPublished(want)
	stop()
	// The broker can't be made to lose its end: let the relay believe that there was more, of later domain events.
	for stream, count := range w.fill(30, 31) {
		want[stream] = count
	}
	_, err := w.cfg.Pool.Exec(t.Context(), `UPDATE relay_partitions SET last_offset = last_offset + 2, last_position = last_position + 3`)
	require.NoError(t, err)
	_, err = w.cfg.Pool.Exec(t.Context(), `UPDATE relay_cursor SET position = (SELECT max(position) FROM domain_events)`)
	require.NoError(t, err)

	w.start()
	w.eventuallyPublished(want)
}

// A refill goes on where it was, whoever finishes it; what is new does not wait for it.
func TestRefillOutlivesItsRelay(t *testing.T) {
	w := newWorld(t)
	first := w.session()
	want := w.fill(0, 30)
	for moved := true; moved; {
		var err error
		moved, err = first.publishNews(t.Context())
		require.NoError(t, err)
	}
	w.kill(first)
	_, err := w.admin.DeleteTopics(t.Context(), "events", "payments")
	require.NoError(t, err)

	second := w.session()
	for stream, count := range w.fill(30, 31) {
		want[stream] = count
	}
	_, err = second.publishNews(t.Context())
	require.NoError(t, err)
	filling, err := second.refill(t.Context())
	require.NoError(t, err)
	require.True(t, filling)
	w.kill(second)

	w.start()
	w.eventuallyPublished(want)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		var filling int
		require.NoError(t, w.cfg.Pool.QueryRow(t.Context(), `SELECT count(*) FROM relay_partitions WHERE filled_to IS NOT NULL`).Scan(&filling))
		return filling == 0, "still filling"
	})
	require.Len(t, w.published()["event-evt_30"], 2, "what was new came in its place, once")
}

// A broker without topic ids takes what is meant for a deleted topic into its successor: then only the offsets tell.
func TestOffsetsThatStartAgainAreALoss(t *testing.T) {
	w := newWorld(t)
	s := w.session()
	w.fill(0, 1)
	page, err := eventstore.ReadAll(t.Context(), w.cfg.Pool, 0, 1)
	require.NoError(t, err)
	record := s.record(&page[0])
	record.Offset = 3
	s.partitions[partitionID{record.Topic, record.Partition}].lastOffset = 3
	_, err = s.note([]*kgo.Record{record}, []int64{1})
	require.ErrorIs(t, err, errLost)
}

func TestChangedNumberOfPartitionsIsFilledAgain(t *testing.T) {
	w := newWorld(t)
	w.start()
	want := w.fill(0, 30)
	w.eventuallyPublished(want)
	_, err := w.admin.CreatePartitions(t.Context(), 2, "events")
	require.NoError(t, err)
	// At least once more: a session that a slow broker ends in mid-page publishes the page again.
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		found := len(w.published()["event-evt_0"])
		return found >= 4, fmt.Sprintf("%d records of event-evt_0, want its 2 published again; %d refills", found, w.refills())
	})
	w.eventuallyPublished(want)
}
