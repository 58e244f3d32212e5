package services_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ticketing/internal/services"
	"ticketing/internal/testenv"
)

// groupMember is a member of a consumer group that does only what a test has it do.
type groupMember struct {
	t        *testing.T
	client   *kgo.Client
	instance string
	session  time.Duration
	joined   *kmsg.JoinGroupResponse

	mu          sync.Mutex
	connections []*net.TCPConn
}

func newGroupMember(t *testing.T, brokers []string, instance string) *groupMember {
	t.Helper()
	m := &groupMember{t: t, instance: instance, session: 5 * time.Second, joined: &kmsg.JoinGroupResponse{}}
	var err error
	m.client, err = kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.RequestRetries(0), kgo.Dialer(m.dial))
	require.NoError(t, err)
	t.Cleanup(m.client.Close)
	return m
}

func (m *groupMember) dial(ctx context.Context, network, address string) (net.Conn, error) {
	connection, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.connections = append(m.connections, connection.(*net.TCPConn))
	return connection, nil
}

// hangUp ends the connections in a way in which the broker, which ends its side then, is seen to have noticed.
func (m *groupMember) hangUp() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.connections {
		_ = c.CloseWrite()
	}
}

func (m *groupMember) join(ctx context.Context) error {
	request := kmsg.NewPtrJoinGroupRequest()
	request.Group, request.MemberID, request.InstanceID = m.t.Name(), m.joined.MemberID, &m.instance
	request.ProtocolType, request.SessionTimeoutMillis, request.RebalanceTimeoutMillis = "consumer", int32(m.session.Milliseconds()), 60_000
	protocol := kmsg.NewJoinGroupRequestProtocol()
	protocol.Name = "range"
	request.Protocols = append(request.Protocols, protocol)
	response, err := request.RequestWith(ctx, m.client)
	if err == nil {
		m.joined = response
		err = kerr.ErrorForCode(response.ErrorCode)
	}
	return err
}

// begin joins a group that does not exist yet: Apache Kafka has to make the topic of its own first, in which it keeps groups.
func (m *groupMember) begin() {
	m.t.Helper()
	testenv.Eventually(m.t, testenv.Patience, func() (bool, string) {
		err := m.join(m.t.Context())
		return err == nil, fmt.Sprint(err)
	})
	m.sync()
}

func (m *groupMember) sync() {
	m.t.Helper()
	request := kmsg.NewPtrSyncGroupRequest()
	request.ProtocolType, request.Protocol = m.joined.ProtocolType, m.joined.Protocol
	request.Group, request.MemberID, request.Generation, request.InstanceID = m.t.Name(), m.joined.MemberID, m.joined.Generation, &m.instance
	response, err := request.RequestWith(m.t.Context(), m.client)
	require.NoError(m.t, err)
	require.NoError(m.t, kerr.ErrorForCode(response.ErrorCode))
}

// awaitRebalance sends heartbeats until the group rebalances.
func (m *groupMember) awaitRebalance() {
	m.t.Helper()
	testenv.Eventually(m.t, testenv.Patience, func() (bool, string) {
		code := m.beat()
		return code == kerr.RebalanceInProgress.Code, fmt.Sprintf("heartbeat: %v", kerr.ErrorForCode(code))
	})
}

// beat sends a heartbeat, and returns the error's code in the response.
func (m *groupMember) beat() int16 {
	m.t.Helper()
	request := kmsg.NewPtrHeartbeatRequest()
	request.Group, request.MemberID, request.Generation, request.InstanceID = m.t.Name(), m.joined.MemberID, m.joined.Generation, &m.instance
	response, err := request.RequestWith(m.t.Context(), m.client)
	require.NoError(m.t, err)
	return response.ErrorCode
}

// A member that dies while its join waits for the others gets partitions, and never has a heartbeat to miss.
func TestAMemberThatDiedAsItJoinedLosesItsPartitions(t *testing.T) {
	b, err := services.StartBroker(services.BrokerConfig{DataDir: t.TempDir()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Stop()) })
	for i := range 6 { // groups: the broker forgets half of such members
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			requireDropped(t, b.Addrs(), (*groupMember).hangUp)
		})
	}
}

func TestApacheKafkaDropsAMemberThatDiedAsItJoined(t *testing.T) {
	t.Parallel()
	requireDropped(t, testenv.KafkaCluster(t, testenv.KafkaConfig{}).Addrs(), func(m *groupMember) { m.client.Close() })
}

func requireDropped(t *testing.T, brokers []string, die func(*groupMember)) {
	t.Helper()
	stays, dies := newGroupMember(t, brokers, "stays"), newGroupMember(t, brokers, "dies")
	stays.begin()
	joining := make(chan error)
	go func() { joining <- dies.join(context.Background()) }()
	stays.awaitRebalance()
	die(dies)
	require.Error(t, <-joining)
	require.NoError(t, stays.join(t.Context()))
	require.Len(t, stays.joined.Members, 2)
	stays.sync()

	stays.awaitRebalance()
	require.NoError(t, stays.join(t.Context()))
	require.Len(t, stays.joined.Members, 1)
}

// The embedded broker drops it without a response, so that it asks in vain until its request is too old.
func TestApacheKafkaKeepsAMemberThatWaitsForLongerThanItsSession(t *testing.T) {
	t.Parallel()
	brokers := testenv.KafkaCluster(t, testenv.KafkaConfig{}).Addrs()
	late, waits := newGroupMember(t, brokers, "late"), newGroupMember(t, brokers, "waits")
	waits.session = time.Second
	late.begin()
	joining := make(chan error)
	go func() { joining <- waits.join(context.Background()) }()
	late.awaitRebalance()
	for began := time.Now(); time.Since(began) < 3*waits.session; {
		require.Equal(t, kerr.RebalanceInProgress.Code, late.beat())
	}
	require.NoError(t, late.join(t.Context()))
	require.NoError(t, <-joining)
	require.Len(t, late.joined.Members, 2)
}
