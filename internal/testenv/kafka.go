package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"ticketing/internal/services"
)

// kafkaVariable names the folder with the jars of Apache Kafka, as scripts/kafka prints it. When it is set, tests get a node of it instead of the
// embedded broker.
const kafkaVariable = "TICKETING_TEST_KAFKA"

// The user that a secured Kafka knows.
const (
	KafkaUser     = "ticketing"
	KafkaPassword = "0123456789abcdef"
)

// KafkaConfig describes a cluster of Apache Kafka.
type KafkaConfig struct {
	Nodes   int  // Default: 1.
	Secured bool // By TLS and SCRAM-SHA-256. Default: neither.
}

// Kafka is a cluster of Apache Kafka, without topics, whose nodes a test can kill and start again. Using a topic does not create it. Call its
// methods on the test's goroutine.
type Kafka struct {
	t       testing.TB
	nodes   []kafkaNode
	helpers []*helper

	CAFile string // PEM of the authority that signed the nodes' certificate; only if secured
}

// KafkaCluster starts Apache Kafka for a test, and stops it when the test is over. It skips the test where there is none: `make test-kafka`.
func KafkaCluster(t testing.TB, c KafkaConfig) *Kafka {
	t.Helper()
	needServer(t)
	if os.Getenv(kafkaVariable) == "" {
		t.Skip("needs Apache Kafka: make test-kafka")
	}
	folder := tempDir(t)
	k := &Kafka{t: t, nodes: newKafkaNodes(t, max(c.Nodes, 1), folder)}
	k.helpers = make([]*helper, len(k.nodes))
	if c.Secured {
		certificate, key := newCertificate(t)
		k.CAFile = filepath.Join(folder, "ca.pem")
		require.NoError(t, os.WriteFile(k.CAFile, []byte(certificate), 0o600))
		for i := range k.nodes {
			k.nodes[i].Certificate, k.nodes[i].Key = certificate, key
		}
	}
	t.Cleanup(k.killAll)
	var starting errgroup.Group // a node alone is never ready
	for i := range k.nodes {
		starting.Go(func() error { return k.startNode(i) })
	}
	require.NoError(t, starting.Wait())
	return k
}

// newKafkaNodes chooses the ports of a cluster.
func newKafkaNodes(t testing.TB, n int, folder string) []kafkaNode {
	t.Helper()
	nodes, voters := make([]kafkaNode, n), make([]string, n)
	for i := range nodes {
		nodes[i] = kafkaNode{ID: i + 1, Jars: os.Getenv(kafkaVariable), DataDir: filepath.Join(folder, "kafka"+strconv.Itoa(i+1))}
		for _, port := range []*int{&nodes[i].Port, &nodes[i].InternalPort, &nodes[i].ControllerPort} {
			var err error
			*port, err = services.FreePort()
			require.NoError(t, err)
		}
		voters[i] = fmt.Sprintf("%d@127.0.0.1:%d", nodes[i].ID, nodes[i].ControllerPort)
	}
	for i := range nodes {
		nodes[i].Voters = strings.Join(voters, ",")
	}
	return nodes
}

// Addrs returns the addresses of all nodes, which stay the same.
func (k *Kafka) Addrs() []string {
	addrs := make([]string, len(k.nodes))
	for i, node := range k.nodes {
		addrs[i] = node.address()
	}
	return addrs
}

// Kill ends a node as kill -9 does.
func (k *Kafka) Kill(node int) {
	k.t.Helper()
	require.NoError(k.t, k.helpers[node].kill())
	k.helpers[node] = nil
}

// Start starts a node again, with all records.
func (k *Kafka) Start(node int) {
	k.t.Helper()
	require.NoError(k.t, k.startNode(node))
}

func (k *Kafka) startNode(i int) error {
	folder := filepath.Dir(k.nodes[i].DataDir)
	h, err := startHelper(folder, job{Kafka: &k.nodes[i]})
	if err == nil {
		k.helpers[i] = h // one that did not start is gone
	}
	return err
}

func (k *Kafka) killAll() {
	var failed []error
	for _, h := range k.helpers {
		if h != nil {
			failed = append(failed, h.kill())
		}
	}
	require.NoError(k.t, errors.Join(failed...))
}

// serveKafka runs a node until ctx ends. It prints the node's address once it takes connections.
func serveKafka(ctx context.Context, node *kafkaNode) error {
	if err := node.start(ctx); err != nil {
		return err
	}
	if _, err := fmt.Println(node.address()); err != nil {
		return errors.Join(err, node.child.Kill())
	}
	<-ctx.Done()
	return node.stop()
}
