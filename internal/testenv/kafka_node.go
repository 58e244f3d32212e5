package testenv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/internal/process"
	"ticketing/internal/wait"
)

// kafkaNode is a node of Apache Kafka, which is a broker and a controller. It runs in a helper.
type kafkaNode struct {
	ID                                 int
	Jars, DataDir                      string
	Port, InternalPort, ControllerPort int
	Voters                             string // all controllers
	Certificate, Key                   string // PEM; empty: the clients' listener is in the clear and knows no users

	Topics     []string // created if they are missing
	Partitions int

	child *process.Process
}

// kafkaClusterID is any id of the right form.
const kafkaClusterID = "MkU3OEVBNTcwNTJENDM2Qg"

// javaFlags make a JVM small and quick to start, and leave out what the node does well.
var javaFlags = []string{
	"-Xms64m", "-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
}

func (n *kafkaNode) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(n.Port)) }

// properties returns the node's configuration. Topics are never created by using them. The times of consumer groups are those of the embedded
// broker, so that tests take as long.
func (n *kafkaNode) properties() string {
	replicas := min(3, strings.Count(n.Voters, "@"))
	lines := []string{
		"process.roles=broker,controller", fmt.Sprintf("node.id=%d", n.ID), "controller.quorum.voters=" + n.Voters,
		fmt.Sprintf("listeners=CLIENT://127.0.0.1:%d,INTERNAL://127.0.0.1:%d,CONTROLLER://127.0.0.1:%d", n.Port, n.InternalPort, n.ControllerPort),
		"inter.broker.listener.name=INTERNAL", "controller.listener.names=CONTROLLER", "log.dirs=" + n.logDir(),
		"auto.create.topics.enable=false", "num.partitions=3", fmt.Sprintf("default.replication.factor=%d", replicas),
		fmt.Sprintf("min.insync.replicas=%d", (replicas+1)/2), "group.initial.rebalance.delay.ms=0", "group.min.session.timeout.ms=1000",
		"group.consumer.min.heartbeat.interval.ms=250", "group.consumer.heartbeat.interval.ms=250", "group.consumer.min.session.timeout.ms=1000",
		"offsets.topic.num.partitions=3", "controlled.shutdown.enable=true",
	}
	for _, topic := range []string{"offsets.topic.", "transaction.state.log.", "share.coordinator.state.topic."} {
		lines = append(lines, fmt.Sprintf("%sreplication.factor=%d", topic, replicas))
	}
	lines = append(lines, "transaction.state.log.min.isr=1", "share.coordinator.state.topic.min.isr=1")
	protocol := "PLAINTEXT"
	if n.Certificate != "" {
		protocol = "SASL_SSL"
		lines = append(lines, "sasl.enabled.mechanisms=SCRAM-SHA-256", "ssl.keystore.type=PEM",
			"ssl.keystore.certificate.chain="+oneLine(n.Certificate), "ssl.keystore.key="+oneLine(n.Key),
			"listener.name.client.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;")
	}
	lines = append(lines, "listener.security.protocol.map=CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,CLIENT:"+protocol)
	return strings.Join(lines, "\n") + "\n"
}

// oneLine returns PEM as a value of a properties file.
func oneLine(pem string) string { return strings.ReplaceAll(strings.TrimSpace(pem), "\n", `\n`) }

// logDir is below a folder "data", as the embedded broker's data: BrokerProc.Wipe removes that.
func (n *kafkaNode) logDir() string { return filepath.Join(n.DataDir, "data", "kafka") }

// start returns when the node takes connections and has its topics.
func (n *kafkaNode) start(ctx context.Context) error {
	if err := os.MkdirAll(n.logDir(), 0o700); err != nil {
		return fmt.Errorf("start Kafka: %w", err)
	}
	properties := filepath.Join(n.DataDir, "server.properties")
	if err := os.WriteFile(properties, []byte(n.properties()), 0o600); err != nil {
		return fmt.Errorf("start Kafka: %w", err)
	}
	if _, err := os.Stat(filepath.Join(n.logDir(), "meta.properties")); err != nil {
		format := []string{"format", "--cluster-id", kafkaClusterID, "--config", properties}
		if n.Certificate != "" {
			format = append(format, "--add-scram", fmt.Sprintf("SCRAM-SHA-256=[name=%s,password=%s]", KafkaUser, KafkaPassword))
		}
		run := exec.CommandContext(ctx, "java", n.javaArgs("kafka.tools.StorageTool", format...)...) //nolint:gosec // our own
		if output, err := run.CombinedOutput(); err != nil {
			return fmt.Errorf("format Kafka's storage: %w\n%s", err, output)
		}
	}
	if err := n.awaitPort(ctx); err != nil {
		return err
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return fmt.Errorf("start Kafka: %w", err)
	}
	n.child, err = process.Start(process.Spec{
		Path: java, Args: n.javaArgs("kafka.Kafka", properties), Dir: n.DataDir, Env: os.Environ(), Stdout: os.Stderr, Stderr: os.Stderr,
	})
	if err != nil {
		return err
	}
	if err := n.awaitTopics(ctx); err != nil {
		return errors.Join(err, n.child.Kill())
	}
	return nil
}

func (n *kafkaNode) javaArgs(class string, args ...string) []string {
	return append(append(javaFlags[:len(javaFlags):len(javaFlags)], "-cp", filepath.Join(n.Jars, "*"), class), args...)
}

// awaitPort waits until a killed node before this one has left the port.
func (n *kafkaNode) awaitPort(ctx context.Context) error {
	for {
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", n.address())
		if err == nil {
			return listener.Close()
		}
		if wait.For(ctx, probeEvery) != nil {
			return fmt.Errorf("start Kafka: %w", err)
		}
	}
}

// probeEvery is how often a node that starts is asked.
const probeEvery = 100 * time.Millisecond

// awaitTopics waits until the node serves clients, and creates its topics.
func (n *kafkaNode) awaitTopics(ctx context.Context) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(net.JoinHostPort("127.0.0.1", strconv.Itoa(n.InternalPort))), kgo.RetryTimeout(startTimeout))
	if err != nil {
		return fmt.Errorf("start Kafka: %w", err)
	}
	defer client.Close()
	for client.Ping(ctx) != nil {
		if n.child.Err() != nil || wait.For(ctx, probeEvery) != nil {
			return errors.New("start Kafka: it has ended; see its output")
		}
	}
	if len(n.Topics) == 0 {
		return nil
	}
	made, err := kadm.NewClient(client).CreateTopics(ctx, int32(n.Partitions), -1, nil, n.Topics...) //nolint:gosec // a few
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	for _, topic := range made {
		if topic.Err != nil && !errors.Is(topic.Err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("create topic %s: %w", topic.Topic, topic.Err)
		}
	}
	return nil
}

// stop has the node hand over what it leads, and ends it.
func (n *kafkaNode) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout/2)
	defer cancel()
	return n.child.Stop(ctx, syscall.SIGTERM)
}
