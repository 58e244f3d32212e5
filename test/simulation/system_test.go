package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/command/catalog"
	"ticketing/command/eventstore"
	"ticketing/command/relay"
	"ticketing/command/relay/progress"
	"ticketing/command/reservation"
	"ticketing/internal/cloudevents"
	"ticketing/internal/kafka"
	"ticketing/projector/projection"
	"ticketing/projector/rebuild"
	"ticketing/projector/reservations"
	"ticketing/projector/runner"
	"ticketing/projector/tables"
)

const (
	topic      = "reservations"
	partitions = 2
	settling   = 5 * time.Minute
)

// system is a shop whose log is published and projected.
type system struct {
	*shop

	read    *database
	network *kfake.VirtualNetwork
	admin   *kgo.Client
	refills atomic.Bool // the topic was deleted: its records are not in the log's order any more
}

func newSystem(seed uint64, from *state) *system {
	s := &system{shop: newShop(seed, from), network: &kfake.VirtualNetwork{}}
	s.read = s.addDatabase("read", newState(""), logStatements[:2], projectorStatements)
	s.read.check = s.checkCheckpoints
	return s
}

// dial returns how a process reaches the broker.
func (s *system) dial(p *process) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if !p.alive() {
			return nil, errDown
		}
		conn, err := s.network.DialContext(ctx, network, address)
		if err == nil {
			s.mu.Lock()
			p.broker = append(p.broker, conn)
			s.mu.Unlock()
		}
		return conn, err
	}
}

func (s *system) kafka(p *process) []kgo.Opt {
	return kafka.Options(kafka.Config{Brokers: []string{"127.0.0.1:9092"}, ClientID: p.name, Dial: s.dial(p), Logger: logger()})
}

func (s *system) startRelay() {
	s.addProcess("relay", s.startRelay, func(ctx context.Context, p *process) {
		pool := p.pool(s.log)
		defer pool.Close()
		s.guard(func() error {
			return relay.Run(ctx, relay.Config{
				Pool: pool, Kafka: s.kafka(p), Topics: map[string]string{reservation.Category: topic}, Partitions: partitions, Logger: logger(),
			})
		})
	})
}

func (s *system) tables(p *process) (cfg tables.Config, end func()) {
	events, read := p.pool(s.log), p.pool(s.read)
	return tables.Config{Events: events, Read: read, Registry: catalog.Registry(), Logger: logger()}, func() {
		events.Close()
		read.Close()
	}
}

func (s *system) startProjector() {
	s.addProcess("projector", s.startProjector, func(ctx context.Context, p *process) {
		cfg, end := s.tables(p)
		defer end()
		s.guard(func() error {
			return runner.Run(ctx, runner.Config{
				Projections: []projection.Projection{reservations.Projection{}}, Tables: cfg, Kafka: s.kafka(p), Group: "simulation",
				Topics: map[string]string{reservation.Category: topic},
			})
		})
	})
}

// startRebuild starts a process that fills new tables and switches to them.
func (s *system) startRebuild() {
	s.addProcess("rebuild", nil, func(ctx context.Context, p *process) {
		cfg, end := s.tables(p)
		defer end()
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		_ = rebuild.Run(ctx, cfg, reservations.Projection{}, nil) // a fault may end it: a later one goes on from there
	})
}

// disturb has happen what no statement of a process leads to.
func (s *system) disturb(seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 999))
	for range rng.IntN(6) {
		time.Sleep(time.Duration(rng.Int64N(int64(8 * time.Second))))
		switch rng.IntN(8) {
		case 0, 1:
			living := s.living()
			living[rng.IntN(len(living))].cutBroker()
		case 2, 3, 4:
			s.startRebuild()
		case 5, 6:
			s.publishAgain(rng)
		case 7:
			s.deleteTopic()
		}
	}
}

func (s *system) deleteTopic() {
	s.refills.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, _ = kadm.NewClient(s.admin).DeleteTopics(ctx, topic)
}

// publishAgain publishes records of the topic again, later than they were and in another order.
func (s *system) publishAgain(rng *rand.Rand) {
	records := s.readTopic()
	rng.Shuffle(len(records), func(i, k int) { records[i], records[k] = records[k], records[i] })
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, r := range records[:min(len(records), 5)] {
		_ = s.admin.ProduceSync(ctx, &kgo.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: r.Headers}).FirstErr()
	}
}

// readTopic returns the records of the topic, partition by partition.
func (s *system) readTopic() (records []*kgo.Record) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	ends, err := kadm.NewClient(s.admin).ListEndOffsets(ctx, topic)
	if err != nil {
		return nil
	}
	left, from := map[int32]int64{}, map[int32]kgo.Offset{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Err == nil && o.Offset > 0 {
			left[o.Partition], from[o.Partition] = o.Offset, kgo.NewOffset().At(0)
		}
	})
	if len(left) == 0 {
		return nil
	}
	client, err := kgo.NewClient(kgo.SeedBrokers("127.0.0.1:9092"), kgo.Dialer(s.network.DialContext),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}))
	if err != nil {
		return nil
	}
	defer client.Close()
	for len(left) > 0 && ctx.Err() == nil {
		client.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			records = append(records, r)
			if r.Offset+1 >= left[r.Partition] {
				delete(left, r.Partition)
			}
		})
	}
	slices.SortStableFunc(records, func(a, b *kgo.Record) int {
		if a.Partition != b.Partition {
			return int(a.Partition - b.Partition)
		}
		return int(a.Offset - b.Offset)
	})
	return records
}

// checkCheckpoints requires that no checkpoint is ahead of the rows that were committed with it.
func (s *system) checkCheckpoints(read *state) {
	log, live := s.log.committed, read.projected.projection
	if s.refills.Load() || live == nil || live.Incarnation != log.incarnation {
		return
	}
	for id, c := range read.projected.checkpoints {
		if c.Incarnation != log.incarnation || c.Generation != live.Generation {
			continue
		}
		for _, r := range log.log {
			if r.position > c.Position || !isPublished(r) || kafka.Partition(r.streamID, partitions) != id.Index {
				continue
			}
			_, own := eventstore.SplitStreamID(r.streamID)
			row := read.projected.tables[liveReservations][own]
			if row == nil || row[1].(int64) < r.version {
				s.violate("the checkpoint of partition %d is at position %d, and the table lacks version %d of %s", id.Index, c.Position, r.version, r.streamID)
			}
		}
	}
}

func isPublished(r record) bool { return strings.HasPrefix(r.streamID, reservation.Category+"-") }

// difference returns how the table differs from the log, "" if it does not.
func (s *system) difference() string {
	log, read := s.log.latest.Load(), s.read.latest.Load()
	if c := (progress.Cursor{Incarnation: log.incarnation, Position: log.head()}); log.relayed.cursor != c {
		return fmt.Sprintf("the log is published up to %v, and ends at %v", log.relayed.cursor, c)
	}
	audited, rows := auditLog(log.log), read.projected.tables[liveReservations]
	if len(rows) != len(audited.Reservations) {
		return fmt.Sprintf("the table has %d reservations, and the log has %d", len(rows), len(audited.Reservations))
	}
	for id, r := range audited.Reservations {
		row := rows[id]
		if row == nil || row[1].(int64) != r.Version || row[4].(string) != string(r.State.Status) || row[3].(string) != r.State.CustomerID {
			return fmt.Sprintf("reservation %s is %v in the table, and version %d, %s in the log", id, row, r.Version, r.State.Status)
		}
	}
	return ""
}

// settle waits until the table and the topic have what the log says.
func (s *system) settle() {
	until := time.Now().Add(settling)
	for {
		different := s.difference()
		if different == "" {
			different = s.unpublished()
		}
		if different == "" {
			return
		}
		if time.Now().After(until) {
			s.violate("%s after the last fault: %s", settling, different)
			return
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// unpublished returns what the topic lacks, "" if it lacks nothing. It requires that each record is published for the first time after all
// that are before it in the log.
func (s *system) unpublished() string {
	log, last := s.log.latest.Load(), map[int32]int64{}
	seen := map[int64]bool{}
	for _, r := range s.readTopic() {
		e, err := cloudevents.Parse(r)
		if err != nil {
			s.violate("a record is no domain event: %v", err)
			continue
		}
		if e.Incarnation != log.incarnation || seen[e.Position] {
			continue
		}
		seen[e.Position] = true
		if e.Position < last[r.Partition] && !s.refills.Load() {
			s.violate("position %d is published behind %d", e.Position, last[r.Partition])
		}
		last[r.Partition] = max(last[r.Partition], e.Position)
	}
	for _, r := range log.log {
		if isPublished(r) && !seen[r.position] {
			return fmt.Sprintf("position %d is not published", r.position)
		}
	}
	return ""
}

// simulateSystem has the log of a shop published and projected while all is disturbed.
func simulateSystem(t *testing.T, seed uint64) (s *system) {
	t.Helper()
	from, eventID := openShop(t)
	synctest.Test(t, func(*testing.T) {
		s = newSystem(seed, from)
		s.eventID, s.faults = eventID, s.rng.IntN(2*mostFaults)
		cluster, err := kfake.NewCluster(kfake.ListenFn(s.network.Listen), kfake.Ports(9092), kfake.NumBrokers(1))
		if err != nil {
			panic(err)
		}
		s.admin, _ = kgo.NewClient(kgo.SeedBrokers("127.0.0.1:9092"), kgo.Dialer(s.network.DialContext), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		go s.schedule()
		time.Sleep(time.Hour)
		for range 2 {
			s.startAPI()
			s.startRelay()
			s.startProjector()
		}
		var disturbing sync.WaitGroup
		disturbing.Go(func() { s.disturb(seed) })
		s.serve(seed, (*customer).buy)
		disturbing.Wait()
		s.calm.Store(true)
		s.settle()
		s.admin.Close()
		s.stopWith(cluster.Close)
	})
	s.checkLog()
	return s
}

// The log is published completely and in order, and the table becomes what the log says, whatever becomes of processes, connections, topics and
// servers, and while new tables are filled and switched to.
func TestTheTableBecomesWhatTheLogSays(t *testing.T) {
	forEachSeed(t, 8, func(seed uint64) *world { return simulateSystem(t, seed).world })
}
