package testenv

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/internal/services"
)

// Topics returns the topics of a test's broker: the platform's default names.
func Topics() []string {
	return []string{"ticketing-events", "ticketing-inventory-events", "ticketing-reservation-events", "ticketing-payment-events"}
}

// Broker starts a broker for a test and returns its addresses. It has Topics, each with that many partitions.
func Broker(t testing.TB, partitions int) []string {
	t.Helper()
	return BrokerServer(t, partitions).Addrs()
}

// BrokerProc is a broker (a node of Apache Kafka in `make test-kafka`) in a process of its own that a test can kill and start again. Call its methods on the test's goroutine.
type BrokerProc struct {
	t       testing.TB
	folder  string
	dataDir string
	job     job
	helper  *helper
	addrs   []string
}

// BrokerServer starts a broker for a test, which is stopped when the test is over.
func BrokerServer(t testing.TB, partitions int) *BrokerProc {
	t.Helper()
	needServer(t)
	folder := tempDir(t)
	b := &BrokerProc{t: t, folder: folder, dataDir: filepath.Join(folder, "broker")}
	if os.Getenv(kafkaVariable) == "" {
		b.job.Broker = &services.BrokerConfig{DataDir: b.dataDir, Topics: Topics(), Partitions: partitions}
	} else {
		node := newKafkaNodes(t, 1, folder)[0]
		node.DataDir, node.Topics, node.Partitions = b.dataDir, Topics(), partitions
		b.job.Kafka = &node
	}
	b.Start()
	t.Cleanup(func() {
		if b.helper != nil {
			b.Kill()
		}
	})
	return b
}

// Addrs returns the addresses, which stay the same over Kill and Start.
func (b *BrokerProc) Addrs() []string { return b.addrs }

// Kill ends the broker as kill -9 does.
func (b *BrokerProc) Kill() {
	b.t.Helper()
	require.NoError(b.t, b.helper.kill())
	b.helper = nil
}

// Freeze stops the embedded broker's process for a while: its connections stay, and nothing comes. A node of Apache Kafka goes on.
func (b *BrokerProc) Freeze() {
	b.t.Helper()
	require.NoError(b.t, b.helper.child.Signal(syscall.SIGSTOP))
}

// Unfreeze has it go on.
func (b *BrokerProc) Unfreeze() {
	b.t.Helper()
	require.NoError(b.t, b.helper.child.Signal(syscall.SIGCONT))
}

// Stop shuts the broker down.
func (b *BrokerProc) Stop() {
	b.t.Helper()
	require.NoError(b.t, b.helper.stop())
	b.helper = nil
}

// Start starts the broker again on its port, with all records. Call Wipe before it for a broker that lost them.
func (b *BrokerProc) Start() {
	b.t.Helper()
	h, err := startHelper(b.folder, b.job)
	require.NoError(b.t, err)
	addrs := strings.Split(h.ready, ",")
	require.False(b.t, b.addrs != nil && addrs[0] != b.addrs[0])
	b.helper, b.addrs = h, addrs
}

// Wipe deletes the topics and groups of a broker that is down. Its port stays, and Start creates Topics again.
func (b *BrokerProc) Wipe() {
	b.t.Helper()
	require.Nil(b.t, b.helper, "kill the broker before wiping it")
	require.NoError(b.t, os.RemoveAll(filepath.Join(b.dataDir, "data")))
}
