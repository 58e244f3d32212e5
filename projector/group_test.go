package projector_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ticketing/internal/testenv"
	"ticketing/internal/wait"
	"ticketing/projector/readtest"
)

// absentMember joins a projection's group once, sends heartbeats, and comes to no rebalance.
type absentMember struct {
	*pipeline

	group  string
	joined *kmsg.JoinGroupResponse
}

func (m *absentMember) join() {
	m.T.Helper()
	metadata := kmsg.NewConsumerMemberMetadata()
	metadata.Topics = []string{m.cfg.Topics["inventory"]}
	request := kmsg.NewPtrJoinGroupRequest()
	request.Group, request.ProtocolType, request.SessionTimeoutMillis, request.RebalanceTimeoutMillis = m.group, "consumer", 10_000, 1000
	protocol := kmsg.NewJoinGroupRequestProtocol()
	protocol.Name, protocol.Metadata = "cooperative-sticky", metadata.AppendTo(nil)
	request.Protocols = append(request.Protocols, protocol)
	for range 2 { // the first response has the member's id
		var err error
		m.joined, err = request.RequestWith(m.T.Context(), m.client)
		require.NoError(m.T, err)
		request.MemberID = m.joined.MemberID
	}
	require.NoError(m.T, kerr.ErrorForCode(m.joined.ErrorCode))
	sync := kmsg.NewPtrSyncGroupRequest()
	sync.Group, sync.MemberID, sync.Generation = m.group, m.joined.MemberID, m.joined.Generation
	sync.ProtocolType, sync.Protocol = m.joined.ProtocolType, m.joined.Protocol
	response, err := sync.RequestWith(m.T.Context(), m.client)
	require.NoError(m.T, err)
	require.NoError(m.T, kerr.ErrorForCode(response.ErrorCode))
}

func (m *absentMember) sendHeartbeats() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var sending sync.WaitGroup
	sending.Go(func() {
		for wait.For(ctx, 200*time.Millisecond) == nil {
			beat := kmsg.NewPtrHeartbeatRequest()
			beat.Group, beat.MemberID, beat.Generation = m.group, m.joined.MemberID, m.joined.Generation
			_, _ = beat.RequestWith(ctx, m.client) // that it is out of the group shows in the tables
		}
	})
	return func() { cancel(); sending.Wait() }
}

// A projector whose batch hangs does not come to a rebalance, although it lives. The others wait for it, and then share its partitions.
func TestAMemberThatComesToNoRebalanceIsLeftOut(t *testing.T) {
	const patience = 45 * time.Second // it takes 5 s; members that the broker drops as they wait begin again after 65 s
	p := newPipeline(t)
	p.relay()
	p.projectors("availability")
	p.Append("inventory-evt_1", readtest.InventoryAdded()...)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return p.Inventory("evt_1").Version == 2, "projected" })
	m := &absentMember{pipeline: p, group: "test-availability"}
	m.join() // a partition is taken from the projector, who comes back to the group for another rebalance
	defer m.sendHeartbeats()()
	for i := range 12 { // in all partitions
		p.Append(fmt.Sprintf("inventory-evt_1%d", i), readtest.InventoryAdded()...)
	}
	testenv.Eventually(t, patience, func() (bool, string) {
		behind := p.lag("availability")
		return behind == 0, fmt.Sprintf("%d records behind", behind)
	})
}
