package relay

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/command/catalog"
	"ticketing/command/event"
	"ticketing/command/payment"
	"ticketing/command/relay/logtest"
	"ticketing/command/relay/progress"
	"ticketing/internal/cloudevents"
	"ticketing/internal/testenv"
)

// world is a log, a broker, and the relays that a test starts between them.
type world struct {
	t       *testing.T
	cfg     Config
	log     logtest.Log
	brokers []string
	admin   *kadm.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	pool := testenv.OpenPool(t, testenv.Databases(t).Events)
	brokers := testenv.Broker(t, 1)
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.MetadataMinAge(metadataAge))
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return &world{
		t: t,
		cfg: Config{
			Pool: pool, Kafka: []kgo.Opt{kgo.SeedBrokers(brokers...)}, Partitions: 3, Logger: slog.New(slog.DiscardHandler),
			Topics: map[string]string{event.Category: "events", payment.Category: "payments"},
		},
		log:     logtest.Log{Pool: pool, Registry: catalog.Registry()},
		brokers: brokers,
		admin:   kadm.NewClient(client),
	}
}

// start runs a relay until stop is called or the test ends.
func (w *world) start() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = Run(ctx, w.cfg) })
	stop = func() { cancel(); running.Wait() }
	w.t.Cleanup(stop)
	return stop
}

// openSession returns a session whose steps the test runs itself. It does not renew its lease, as one whose process is frozen.
func (w *world) openSession() *session {
	w.t.Helper()
	require.NoError(w.t, newLease(w.cfg.Pool).take(w.t.Context()))
	m := newMetrics(nil)
	s := &session{cfg: w.cfg, db: w.cfg.Pool, metrics: m, breaker: newBreaker(m)}
	require.NoError(w.t, s.open(w.t.Context()))
	w.t.Cleanup(s.client.Close)
	return s
}

// kill ends a session as the end of its process does, and lets the time pass that its lease lasts.
func (w *world) kill(s *session) {
	w.t.Helper()
	s.client.Close()
	_, err := w.cfg.Pool.Exec(w.t.Context(), `UPDATE relay_lease SET expires_at = clock_timestamp()`)
	require.NoError(w.t, err)
}

// readPublished returns what a new reader reads: the events by stream, in order, with duplicates.
func (w *world) readPublished() map[string][]cloudevents.Event {
	w.t.Helper()
	found := map[string][]cloudevents.Event{}
	for _, r := range w.readRecords() {
		e, err := cloudevents.Parse(r)
		require.NoError(w.t, err)
		require.Equal(w.t, e.Subject, string(r.Key))
		found[e.Subject] = append(found[e.Subject], e)
	}
	return found
}

// readRecords returns all records, those of a partition in order.
func (w *world) readRecords() (found []*kgo.Record) {
	w.t.Helper()
	ends, err := w.admin.ListEndOffsets(w.t.Context(), "events", "payments")
	if err != nil {
		return nil // just deleted
	}
	left := int64(0)
	from := map[string]map[int32]kgo.Offset{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Err == nil && o.Offset > 0 {
			if from[o.Topic] == nil {
				from[o.Topic] = map[int32]kgo.Offset{}
			}
			from[o.Topic][o.Partition] = kgo.NewOffset().AtStart()
			left += o.Offset
		}
	})
	client, err := kgo.NewClient(append(slices.Clone(w.cfg.Kafka), kgo.ConsumePartitions(from))...)
	require.NoError(w.t, err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(w.t.Context(), testenv.Patience)
	defer cancel()
	for left > 0 {
		fetches := client.PollFetches(ctx)
		require.NoError(w.t, fetches.Err())
		records := fetches.Records()
		left -= int64(len(records))
		found = append(found, records...)
	}
	return found
}

// versions returns the version that a reader reaches who applies only the next version of the stream.
func versions(found []cloudevents.Event) int {
	next := 1
	for _, e := range found {
		if e.StreamVersion == int64(next) {
			next++
		}
	}
	return next - 1
}

// requirePublished waits until readers read the streams completely.
func (w *world) requirePublished(want map[string]int) {
	w.t.Helper()
	testenv.Eventually(w.t, testenv.Patience, func() (bool, string) {
		found := w.readPublished()
		for stream, count := range want {
			if versions(found[stream]) != count {
				return false, stream + " is not complete"
			}
		}
		return true, ""
	})
}

func (w *world) cursor() int64 {
	w.t.Helper()
	cursor, err := progress.ReadCursor(w.t.Context(), w.cfg.Pool)
	require.NoError(w.t, err)
	return cursor.Position
}

func created(name string) event.EventCreated { return event.EventCreated{Name: name, Venue: "Arena"} }
