package projector_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/relay"
	"ticketing/command/reservation"
	"ticketing/internal/announce"
	"ticketing/internal/testenv"
	"ticketing/projector"
	"ticketing/projector/readtest"
	"ticketing/query"
)

// pipeline is a world with a broker, and with relay and projectors that a test starts.
type pipeline struct {
	*readtest.World

	cfg    projector.Config
	broker *testenv.BrokerProc
	client *kgo.Client
	admin  *kadm.Client
}

func newPipeline(t *testing.T) *pipeline {
	t.Helper()
	p := &pipeline{World: readtest.New(t), broker: testenv.BrokerServer(t, 3)}
	p.cfg = configOf(p.World)
	p.cfg.Kafka, p.cfg.Group = []kgo.Opt{kgo.SeedBrokers(p.broker.Addrs()...)}, "test"
	for i, category := range []string{"event", "inventory", "reservation", "payment"} {
		p.cfg.Topics[category] = testenv.Topics()[i]
	}
	var err error
	p.client, err = kgo.NewClient(append(slices.Clone(p.cfg.Kafka), kgo.MetadataMinAge(50*time.Millisecond))...)
	require.NoError(t, err)
	t.Cleanup(p.client.Close)
	p.admin = kadm.NewClient(p.client)
	return p
}

func configOf(w *readtest.World) projector.Config {
	return projector.Config{
		Events: w.Tables.Events, Read: w.Tables.Read, Registry: w.Tables.Registry, Logger: w.Tables.Logger, Topics: map[string]string{},
	}
}

func (p *pipeline) relay() (stop func()) {
	return p.background(func(ctx context.Context) error {
		return relay.Run(ctx, relay.Config{
			Pool: p.cfg.Events, Kafka: p.cfg.Kafka, Topics: p.cfg.Topics, Partitions: 3, Keys: p.cfg.Keys, Logger: p.cfg.Logger,
		})
	})
}

func (p *pipeline) projectors(names ...string) (stop func()) {
	cfg := p.cfg
	cfg.Projections = names
	return p.background(func(ctx context.Context) error { return projector.Run(ctx, cfg) })
}

func (p *pipeline) background(run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := run(ctx); err != nil {
			p.T.Error(err)
		}
	})
	stop = func() { cancel(); running.Wait() }
	p.T.Cleanup(stop)
	return stop
}

// sell appends a reservation of one standing place.
func (p *pipeline) sell(i int) {
	p.T.Helper()
	id := "rsv_" + strconv.Itoa(i)
	p.Append("inventory-evt_1", inventory.SeatsReserved{ReservationID: id, Items: readtest.Standing(1)})
	p.Append("reservation-"+id, readtest.Initiated("usr_1"))
	p.Append("inventory-evt_1", inventory.SeatsConfirmed{ReservationID: id, Items: readtest.Standing(1)})
	p.Append("reservation-"+id, reservation.ReservationCompleted{CompletedAt: readtest.Noon})
}

// eventuallySold waits until the tables say that so many were sold. There must be no dead letters.
func (p *pipeline) eventuallySold(count int) {
	p.T.Helper()
	testenv.Eventually(p.T, testenv.Patience, func() (bool, string) {
		inv := p.Inventory("evt_1")
		if inv.Version != int64(2+2*count) || inv.Sections[0].Sold != count || inv.Sections[0].Reserved != 0 {
			return false, fmt.Sprintf("%+v", inv)
		}
		for i := range count {
			if r := p.Reservation("rsv_" + strconv.Itoa(i)); r.Status != "COMPLETED" {
				return false, fmt.Sprintf("rsv_%d: %+v", i, r)
			}
		}
		return true, ""
	})
	for _, name := range projector.Names() {
		letters, err := projector.DeadLetters(p.T.Context(), p.cfg, name)
		require.NoError(p.T, err)
		require.Empty(p.T, letters)
	}
}

// lag returns by how many records a projection is behind.
func (p *pipeline) lag(projection string) int64 {
	p.T.Helper()
	statuses, err := query.NewProjections(query.ProjectionsConfig{
		Read: p.cfg.Read, Events: p.cfg.Events, Topics: p.cfg.Topics, Categories: projector.Categories(),
	}).Status(p.T.Context())
	require.NoError(p.T, err)
	for _, s := range statuses {
		if s.Name == projection {
			return s.LagRecords
		}
	}
	require.Fail(p.T, "no status of "+projection)
	return 0
}

func (p *pipeline) eventuallyProjected() {
	p.T.Helper()
	testenv.Eventually(p.T, testenv.Patience, func() (bool, string) {
		behind := int64(0)
		for _, name := range projector.Names() {
			behind += p.lag(name)
		}
		return behind == 0, fmt.Sprintf("%d records behind", behind)
	})
}

func TestFromTheLogToTheAnnouncement(t *testing.T) {
	p := newPipeline(t)
	options, err := redis.ParseURL(testenv.Redis(t))
	require.NoError(t, err)
	rdb := redis.NewClient(options)
	defer rdb.Close()
	p.cfg.Redis = rdb
	p.relay()
	p.projectors()

	watch := rdb.Subscribe(t.Context(), announce.Channel(announce.Reservation, "rsv_0"), announce.Channel(announce.Availability, "evt_1"),
		announce.Channel(announce.Event, "evt_1"))
	defer watch.Close()
	_, err = watch.Receive(t.Context())
	require.NoError(t, err)

	p.Append("event-evt_1", readtest.Created("Jazz"), event.EventPublished{})
	p.Append("inventory-evt_1", readtest.InventoryAdded()...)
	p.sell(0)
	last := map[string]string{}
	want := map[string]string{
		"ticketing:reservation:rsv_0": "2", "ticketing:availability:evt_1": "4", "ticketing:event:evt_1": "2",
	}
	ctx, cancel := context.WithTimeout(t.Context(), testenv.Patience)
	defer cancel()
	for fmt.Sprint(last) != fmt.Sprint(want) {
		message, err := watch.ReceiveMessage(ctx)
		require.NoError(t, err, "%v", last)
		last[message.Channel] = message.Payload
	}
	p.eventuallySold(1)
	p.eventuallyProjected()
}

func TestLagCountsWhatIsNotProjected(t *testing.T) {
	p := newPipeline(t)
	p.Append("event-evt_1", readtest.Created("Jazz"), event.EventPublished{})
	require.EqualValues(t, 2, p.lag("payments"), "it is not known yet what they are about")
	p.relay()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		return p.lag("events") == 2 && p.lag("payments") == 0, "not published"
	})
}

// Members come and go while records flow.
func TestProjectorsShareAndTakeOver(t *testing.T) {
	p := newPipeline(t)
	p.relay()
	p.Append("inventory-evt_1", readtest.InventoryAdded()...)
	stopFirst := p.projectors("reservations", "availability")
	for i := range 10 {
		p.sell(i)
	}
	p.projectors("reservations", "availability")
	for i := 10; i < 20; i++ {
		p.sell(i)
	}
	p.eventuallySold(20)
	stopFirst()
	for i := 20; i < 30; i++ {
		p.sell(i)
	}
	p.eventuallySold(30)
}

// members returns the names of the members of a projection's group that have partitions, which they keep through all their sessions.
func (p *pipeline) members(projection string) []string {
	p.T.Helper()
	groups, err := p.admin.DescribeGroups(p.T.Context(), p.cfg.Group+"-"+projection)
	if err != nil {
		return nil // the broker is away
	}
	var found []string
	for _, m := range groups[p.cfg.Group+"-"+projection].Members {
		if assigned, ok := m.Assigned.AsConsumer(); ok && m.InstanceID != nil && len(assigned.Topics) > 0 {
			found = append(found, *m.InstanceID)
		}
	}
	slices.Sort(found)
	return found
}

// Without names, the members from before the restart are waited for, for as long as a session lasts, until the group has its partitions again.
// Which of the two then has which partitions is the assignor's choice.
func TestProjectorsAreTheSameMembersAfterARestartOfTheBroker(t *testing.T) {
	p := newPipeline(t)
	p.relay()
	p.projectors("availability")
	p.projectors("availability")
	p.Append("inventory-evt_1", readtest.InventoryAdded()...)
	var before []string
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		before = p.members("availability")
		return len(before) == 2 && p.Inventory("evt_1").Version == 2, fmt.Sprint(before)
	})
	p.broker.Stop()
	p.broker.Start()
	p.Append("inventory-evt_1", inventory.SeatsReserved{ReservationID: "rsv_0", Items: readtest.Standing(1)})
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		after := p.members("availability")
		return slices.Equal(before, after) && p.Inventory("evt_1").Version == 3, fmt.Sprint(before, after)
	})
}

func TestUnknownProjectionIsRefused(t *testing.T) {
	require.ErrorContains(t, projector.Run(t.Context(), projector.Config{Projections: []string{"weather"}}), "availability, customers, events, payments, reservations, sales")
}
