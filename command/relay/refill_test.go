package relay

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/command/payment"
	"ticketing/command/relay/progress"
	"ticketing/internal/testenv"
)

// publishUnrecorded publishes a page without moving the cursor, as a relay that dies or has lost its lease.
func (w *world) publishUnrecorded(s *session, after int64) {
	w.t.Helper()
	page, err := eventstore.ReadAll(w.t.Context(), w.cfg.Pool, after, pageSize)
	require.NoError(w.t, err)
	require.NotEmpty(w.t, page)
	client, err := kgo.NewClient(append(slices.Clone(w.cfg.Kafka), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	require.NoError(w.t, err)
	defer client.Close()
	for i := range page {
		require.NoError(w.t, client.ProduceSync(w.t.Context(), s.newRecord(&page[i])).FirstErr())
	}
}

func (w *world) refills() (refills int64) {
	w.t.Helper()
	partitions, err := progress.ReadPartitions(w.t.Context(), w.cfg.Pool)
	require.NoError(w.t, err)
	for _, p := range partitions {
		refills += p.Refills
	}
	return refills
}

// appendStreams appends streams of both topics and returns their lengths.
func (w *world) appendStreams(from, to int) map[string]int {
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
	want := w.appendStreams(0, 30)
	w.requirePublished(want)

	_, err := w.admin.DeleteTopics(t.Context(), "events")
	require.NoError(t, err)
	w.requirePublished(want)
	require.Positive(t, w.refills())
	for stream, found := range w.readPublished() {
		require.Len(t, found, want[stream], "%s: the other topic is unchanged", stream)
	}

	for stream, count := range w.appendStreams(30, 40) {
		want[stream] = count
	}
	w.requirePublished(want)
}

// Readers have most of what is filled again, and wait for what they do not have.
func TestNewsComeBeforeWhatATopicHasLost(t *testing.T) {
	w := newWorld(t)
	stop := w.start()
	want := w.appendStreams(0, 30)
	w.requirePublished(want)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return w.cursor() == 90, "it is not recorded what was published" })
	stop()
	_, err := w.admin.DeleteTopics(t.Context(), "events")
	require.NoError(t, err)
	for stream, count := range w.appendStreams(30, 60) {
		want[stream] = count
	}

	w.start()
	w.requirePublished(want)
	refilled, news := map[int32]int64{}, map[string]*kgo.Record{} // the first old record of each partition, and the first of each new stream
	for _, r := range w.readRecords() {
		name, ofEvent := strings.CutPrefix(string(r.Key), "event-evt_")
		number, _ := strconv.Atoi(name)
		_, known := refilled[r.Partition]
		switch {
		case !ofEvent:
		case number < 30 && !known:
			refilled[r.Partition] = r.Offset
		case number >= 30 && news[name] == nil:
			news[name] = r
		}
	}
	require.Len(t, news, 30)
	require.Len(t, refilled, 3)
	for name, r := range news {
		require.Less(t, r.Offset, refilled[r.Partition], "event %s waited for the refill", name)
	}
}

// The topic is created again and published to before the relay verifies it: only offsets and tail show the loss.
func TestReplacedTopicIsFilledAgain(t *testing.T) {
	w := newWorld(t)
	stop := w.start()
	want := w.appendStreams(0, 5)
	w.requirePublished(want)
	stop()
	old := w.openSession()
	w.kill(old)

	_, err := w.admin.DeleteTopics(t.Context(), "events")
	require.NoError(t, err)
	_, err = w.admin.CreateTopics(t.Context(), 3, 1, nil, "events")
	require.NoError(t, err)
	for stream, count := range w.appendStreams(5, 40) {
		want[stream] = count
	}
	w.publishUnrecorded(old, 15)

	w.start()
	w.requirePublished(want)
}

func TestLostEndIsFilledAgain(t *testing.T) {
	w := newWorld(t)
	stop := w.start()
	want := w.appendStreams(0, 30)
	w.requirePublished(want)
	stop()
	// The broker can't be made to lose its end. Instead the tables claim more records, of later domain events.
	for stream, count := range w.appendStreams(30, 31) {
		want[stream] = count
	}
	_, err := w.cfg.Pool.Exec(t.Context(), `UPDATE relay_partitions SET last_offset = last_offset + 2, last_position = last_position + 3`)
	require.NoError(t, err)
	_, err = w.cfg.Pool.Exec(t.Context(), `UPDATE relay_cursor SET position = (SELECT max(position) FROM domain_events)`)
	require.NoError(t, err)

	w.start()
	w.requirePublished(want)
}

func TestAnotherRelayContinuesARefill(t *testing.T) {
	w := newWorld(t)
	first := w.openSession()
	want := w.appendStreams(0, 30)
	for moved := true; moved; {
		var err error
		moved, err = first.publishNews(t.Context())
		require.NoError(t, err)
	}
	w.kill(first)
	_, err := w.admin.DeleteTopics(t.Context(), "events", "payments")
	require.NoError(t, err)

	second := w.openSession()
	for stream, count := range w.appendStreams(30, 31) {
		want[stream] = count
	}
	_, err = second.publishNews(t.Context())
	require.NoError(t, err)
	require.Len(t, w.readPublished()["event-evt_30"], 2, "new records do not wait for the refill")
	filling, err := second.refillPartitions(t.Context())
	require.NoError(t, err)
	require.True(t, filling)
	w.kill(second)

	w.start()
	w.requirePublished(want)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		partitions, err := progress.ReadPartitions(t.Context(), w.cfg.Pool)
		require.NoError(t, err)
		for _, p := range partitions {
			if p.FilledTo != nil {
				return false, "the refill goes on"
			}
		}
		return true, ""
	})
}

// A broker without topic ids accepts records for a deleted topic into the new topic of its name: only offsets show the loss.
func TestOffsetsThatStartOverAreALoss(t *testing.T) {
	w := newWorld(t)
	s := w.openSession()
	w.appendStreams(0, 1)
	page, err := eventstore.ReadAll(t.Context(), w.cfg.Pool, 0, 1)
	require.NoError(t, err)
	record := s.newRecord(&page[0])
	record.Offset = 3
	s.partitions[progress.PartitionID{Topic: record.Topic, Index: record.Partition}].LastOffset = 3
	_, err = s.recordAcks([]*kgo.Record{record}, []int64{1})
	require.ErrorIs(t, err, errLost)
}

func TestChangedNumberOfPartitionsIsFilledAgain(t *testing.T) {
	w := newWorld(t)
	w.start()
	want := w.appendStreams(0, 30)
	w.requirePublished(want)
	_, err := w.admin.CreatePartitions(t.Context(), 2, "events")
	require.NoError(t, err)
	// At least: a session that a slow broker ends in mid-page publishes the page again.
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		found := len(w.readPublished()["event-evt_0"])
		return found >= 4, fmt.Sprintf("%d records of event-evt_0, want its 2 published again; %d refills", found, w.refills())
	})
	w.requirePublished(want)
}
