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

// Members of one projection are killed, frozen and replaced while people buy.
func TestProjectorsComeAndGo(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.start("relay")
	p.startAPI()
	members := []part{}
	for range 3 {
		members = append(members, p.start("projector", "--projection", "reservations"))
	}
	others := p.start("projector", "--projection", "events", "--projection", "availability", "--projection", "payments",
		"--projection", "sales", "--projection", "customers")
	id := onSale(t, signIn(t, p.url, adminEmail), 1_000_000, nil)
	shoppers := p.shop(id, 3)
	shoppers.awaitMore(t, 30)
	p.awaitPassed("reservations")

	// Killed in mid-batch.
	p.awaitMembers("reservations", 3)
	unlock := p.lockTable("reservations")
	p.awaitBlocked("reservations", 3)
	members[0].kill()
	unlock()
	shoppers.awaitMore(t, 30)
	p.awaitPassed("reservations")
	members[0] = p.start("projector", "--projection", "reservations")
	p.awaitPassed("reservations")

	// Frozen in mid-batch, for longer than its session: what it held is free again, and when it wakes up it must not write.
	p.awaitMembers("reservations", 3)
	unlock = p.lockTable("reservations")
	p.awaitBlocked("reservations", 3)
	members[0].pause()
	unlock()
	shoppers.awaitMore(t, 30)
	p.awaitPassed("reservations") // by the others
	members[0].goOn()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		said := members[0].said()
		return strings.Contains(said, "has taken over") || strings.Contains(said, "terminating connection"), "it has not tried to write: " + said
	})
	shoppers.awaitMore(t, 30)
	p.awaitPassed("reservations")

	// Replaced, one after the other.
	for i := range members {
		members[i].terminate()
		members[i] = p.start("projector", "--projection", "reservations")
		shoppers.awaitMore(t, 20)
		p.awaitPassed("reservations")
	}
	shoppers.leave()
	p.verify()
	for _, member := range append(members, others) {
		require.NotContains(t, member.said(), "dead letters")
	}
}

// Topics grow, are deleted and made anew, and are lost with the whole broker, while people buy. Nobody does anything about it.
func TestTheBrokerIsDisposable(t *testing.T) {
	t.Parallel()
	broker := testenv.BrokerServer(t, 3)
	env := environment(t)
	env["REDPANDA_BROKERS"] = broker.Addrs()[0]
	p := newPlatformIn(t, env)
	p.start("relay")
	p.startAPI()
	projectors := []part{p.start("projector"), p.start("projector")}
	id := onSale(t, signIn(t, p.url, adminEmail), 1_000_000, nil)
	shoppers := p.shop(id, 3)
	shoppers.awaitMore(t, 30)
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.Addrs()...))
	require.NoError(t, err)
	defer client.Close()
	admin := kadm.NewClient(client)
	all := func() {
		shoppers.awaitMore(t, 30)
		for _, status := range p.projections() {
			p.awaitPassed(status.Name)
		}
	}
	all()

	// Records of one stream arrive from two partitions, out of order.
	grown, err := admin.CreatePartitions(t.Context(), 2, "ticketing-inventory-events", "ticketing-reservation-events")
	require.NoError(t, err)
	require.NoError(t, grown.Error())
	shoppers.awaitMore(t, 30)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		n := count(t, env["PROJECTION_DATABASE_URL"], `SELECT count(*) FROM projection_checkpoints
			WHERE projection = 'reservations' AND partition > 2 AND next_offset > 0`)
		return n > 0, "nothing is read from the new partitions"
	})
	all()

	// A topic is replaced under everybody's feet, with another number of partitions.
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
	shoppers.leave()
	p.verify()
	for _, projector := range projectors {
		require.NotContains(t, projector.said(), "dead letters")
	}
}

// awaitMembers waits until so many projectors share a projection's partitions, with one each at least.
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
