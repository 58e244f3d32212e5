package services

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// compactInterval is how often old records are deleted. A broker that has loaded data from disk does not do it by itself.
const compactInterval = time.Minute

// BrokerConfig describes a broker.
type BrokerConfig struct {
	DataDir    string       // Holds its topics, its groups and its port. Required.
	Port       int          // Default: the last one, else any.
	Topics     []string     // Created if they are missing; using a topic does not create it. Default: none.
	Partitions int          // Of Topics. Default: 6.
	Logger     *slog.Logger // Default: slog.Default().
}

// Broker is an imitation of Kafka inside this process, which clients reach over TCP. It has one node. Its data survive kill -9, but not a
// power cut.
type Broker struct {
	cluster *kfake.Cluster
	logger  *slog.Logger
	lock    *lock
	stop    chan struct{}
	stopped sync.WaitGroup
}

// StartBroker returns when the broker takes connections.
func StartBroker(o BrokerConfig) (*Broker, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	// The broker does not lock its folder, and two of them would destroy it.
	l, err := lockDir(o.DataDir)
	if err != nil {
		return nil, err
	}
	b := &Broker{logger: o.Logger, lock: l, stop: make(chan struct{})}
	if o.Port != 0 {
		err = b.startOn(o, o.Port)
	} else {
		err = onPort(filepath.Join(o.DataDir, "port"), func(port int) error { return b.startOn(o, port) })
	}
	if err != nil {
		return nil, errors.Join(err, l.unlock())
	}
	if err := b.createTopics(o.Topics, o.Partitions); err != nil {
		return nil, errors.Join(err, b.Stop())
	}
	b.stopped.Go(b.compactLogs)
	watched := newMembers(b)
	b.stopped.Go(func() { watched.run(b.stop) })
	return b, nil
}

func (b *Broker) startOn(o BrokerConfig, port int) error {
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.Ports(port),
		kfake.DataDir(filepath.Join(o.DataDir, "data")),
		kfake.ClusterID("ticketing"),
		kfake.GroupMinSessionTimeout(time.Second),
		// KIP-848 groups rebalance at heartbeats; five seconds are too long on a laptop.
		kfake.BrokerConfigs(map[string]string{"group.consumer.heartbeat.interval.ms": "250"}),
		kfake.WithLogger(brokerLogger{o.Logger}),
	)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: %w", errPortTaken, err)
	}
	if err != nil {
		return fmt.Errorf("start the broker: %w", err)
	}
	b.cluster = cluster
	return nil
}

func (b *Broker) createTopics(topics []string, partitions int) error {
	if partitions == 0 {
		partitions = 6
	}
	for _, topic := range topics {
		if b.cluster.TopicInfo(topic) != nil {
			continue
		}
		if err := b.cluster.CreateTopic(topic, int32(partitions), nil); err != nil {
			return fmt.Errorf("create topic %s: %w", topic, err)
		}
	}
	return nil
}

func (b *Broker) compactLogs() {
	ticker := time.NewTicker(compactInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			b.cluster.Compact()
		case <-b.stop:
			return
		}
	}
}

// Addrs returns the broker's addresses.
func (b *Broker) Addrs() []string { return b.cluster.ListenAddrs() }

// Stop writes everything to disk, ends all connections and unlocks the folder. It must be called once.
func (b *Broker) Stop() error {
	close(b.stop)
	b.stopped.Wait()
	b.cluster.Close()
	return b.lock.unlock()
}

// ServeBroker runs a broker until ctx ends, for a process of its own. Once it takes connections, it writes a line with its addresses,
// separated by commas, to ready.
func ServeBroker(ctx context.Context, o BrokerConfig, ready io.Writer) error {
	b, err := StartBroker(o)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(ready, strings.Join(b.Addrs(), ",")); err != nil {
		return errors.Join(fmt.Errorf("write the broker's addresses: %w", err), b.Stop())
	}
	<-ctx.Done()
	return b.Stop()
}

// brokerLogger passes on warnings and errors.
type brokerLogger struct{ logger *slog.Logger }

func (l brokerLogger) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		l.logger.Error("broker: " + fmt.Sprintf(format, args...))
	case kfake.LogLevelWarn:
		l.logger.Warn("broker: " + fmt.Sprintf(format, args...))
	case kfake.LogLevelNone, kfake.LogLevelInfo, kfake.LogLevelDebug:
	}
}
