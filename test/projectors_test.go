package test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/internal/testenv"
)

// Members of one projection are killed, frozen and replaced while customers buy.
func TestProjectorsMayBeKilledFrozenAndReplaced(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.startPart("relay")
	p.startAPI()
	members := []runningPart{}
	for range 3 {
		members = append(members, p.startPart("projector", "--projection", "reservations"))
	}
	others := p.startPart("projector", "--projection", "events", "--projection", "availability", "--projection", "payments",
		"--projection", "sales", "--projection", "customers")
	id := onSale(t, signIn(t, p.url, adminEmail), 1_000_000, nil)
	shoppers := p.startShoppers(id, 3)
	shoppers.awaitMore(t, 30)
	p.awaitAppliedAll("reservations")

	// One is killed within a batch.
	p.awaitMembers("reservations", 3)
	unlock := p.lockTable("reservations")
	p.awaitBlocked("reservations", 3)
	members[0].killNow()
	unlock()
	shoppers.awaitMore(t, 30)
	p.awaitAppliedAll("reservations")
	members[0] = p.startPart("projector", "--projection", "reservations")
	p.awaitAppliedAll("reservations")

	// One is frozen within a batch for longer than its session lasts: its partitions move on, and it must not write when it resumes.
	p.awaitMembers("reservations", 3)
	unlock = p.lockTable("reservations")
	p.awaitBlocked("reservations", 3)
	members[0].freeze()
	unlock()
	shoppers.awaitMore(t, 30)
	p.awaitAppliedAll("reservations") // by the others
	members[0].unfreeze()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		said := members[0].readLog()
		return strings.Contains(said, "projection stopped"), "it has not tried to write: " + said // fenced, ended or silent for too long
	})
	shoppers.awaitMore(t, 30)
	p.awaitAppliedAll("reservations")

	// All are replaced, one after the other.
	for i := range members {
		members[i].stop()
		members[i] = p.startPart("projector", "--projection", "reservations")
		shoppers.awaitMore(t, 20)
		p.awaitAppliedAll("reservations")
	}
	shoppers.finish()
	p.requireVerified()
	for _, member := range append(members, others) {
		require.NotContains(t, member.readLog(), "dead letters")
	}
}

// Topics grow, are deleted and created again, and are lost with the whole broker, while customers buy. No operator intervenes.
func TestTheBrokerMayBeLost(t *testing.T) {
	t.Parallel()
	broker := testenv.BrokerServer(t, 3)
	env := newEnvironment(t)
	env["REDPANDA_BROKERS"] = broker.Addrs()[0]
	p := newPlatformIn(t, env)
	p.startPart("relay")
	p.startAPI()
	projectors := []runningPart{p.startPart("projector"), p.startPart("projector")}
	id := onSale(t, signIn(t, p.url, adminEmail), 1_000_000, nil)
	shoppers := p.startShoppers(id, 3)
	shoppers.awaitMore(t, 30)
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.Addrs()...))
	require.NoError(t, err)
	defer client.Close()
	admin := kadm.NewClient(client)
	all := func() {
		shoppers.awaitMore(t, 30)
		for _, status := range p.projectionStatus() {
			p.awaitAppliedAll(status.Name)
		}
	}
	all()

	// Records of one stream arrive from two partitions, out of order.
	grown, err := admin.CreatePartitions(t.Context(), 2, "ticketing-inventory-events", "ticketing-reservation-events")
	require.NoError(t, err)
	require.NoError(t, grown.Error())
	shoppers.awaitMore(t, 30)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		n := queryCount(t, env["PROJECTION_DATABASE_URL"], `SELECT count(*) FROM projection_checkpoints
			WHERE projection = 'reservations' AND partition > 2 AND next_offset > 0`)
		return n > 0, "nothing is read from the new partitions"
	})
	all()

	// A topic is replaced by one with another number of partitions.
	_, err = admin.DeleteTopics(t.Context(), "ticketing-reservation-events")
	require.NoError(t, err)
	_, err = admin.CreateTopics(t.Context(), 2, 1, nil, "ticketing-reservation-events") // the relay may be faster
	require.NoError(t, err)
	all()

	// All topics are deleted.
	_, err = admin.DeleteTopics(t.Context(), testenv.Topics()...)
	require.NoError(t, err)
	all()

	// The broker is lost, and an empty one takes its place.
	broker.Kill()
	broker.Wipe()
	shoppers.awaitMore(t, 30)
	broker.Start()
	all()
	shoppers.finish()
	p.requireVerified()
	for _, projector := range projectors {
		require.NotContains(t, projector.readLog(), "dead letters")
	}
}

// awaitMembers waits until so many projectors share a projection's partitions, each with at least one.
func (p *platform) awaitMembers(projection string, members int) {
	p.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(p.env["REDPANDA_BROKERS"]))
	require.NoError(p.t, err)
	defer client.Close()
	group := "ticketing-projections-" + projection
	testenv.Eventually(p.t, testenv.Patience, func() (bool, string) {
		groups, err := kadm.NewClient(client).DescribeGroups(p.t.Context(), group)
		require.NoError(p.t, err)
		working := 0
		for _, member := range groups[group].Members {
			if assigned, ok := member.Assigned.AsConsumer(); ok && len(assigned.Topics) > 0 {
				working++
			}
		}
		return groups[group].State == "Stable" && working == members, fmt.Sprintf("%s, %d members with partitions", groups[group].State, working)
	})
}
