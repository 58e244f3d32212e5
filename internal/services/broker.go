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

// compactInterval is how often old records are thrown away: the broker stops doing it by itself once it has loaded its data again.
const compactInterval = time.Minute

// BrokerOptions says how to run the broker.
type BrokerOptions struct {
	DataDir    string       // its topics, its groups and its port are kept here
	Port       int          // 0: the one of the last time, or any
	Topics     []string     // made when missing; topics never make themselves
	Partitions int          // of Topics; 0: 6
	Logger     *slog.Logger // nil: slog.Default()
}

// Broker is an imitation of Kafka inside this process, which clients reach over TCP. It survives kill -9, not a power cut, and it has
// one node: for laptops and tests.
type Broker struct {
	cluster *kfake.Cluster
	lock    *lock
	stop    chan struct{}
	stopped sync.WaitGroup
}

// StartBroker answers when the broker takes connections.
func StartBroker(o BrokerOptions) (*Broker, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	// The broker does not lock its folder by itself, and two of them would destroy it.
	l, err := lockDir(o.DataDir)
	if err != nil {
		return nil, err
	}
	b := &Broker{lock: l, stop: make(chan struct{})}
	if o.Port != 0 {
		err = b.start(o, o.Port)
	} else {
		err = onPort(filepath.Join(o.DataDir, "port"), func(port int) error { return b.start(o, port) })
	}
	if err != nil {
		return nil, errors.Join(err, l.release())
	}
	if err := b.createTopics(o.Topics, o.Partitions); err != nil {
		return nil, errors.Join(err, b.Stop())
	}
	b.stopped.Go(b.compact)
	return b, nil
}

func (b *Broker) start(o BrokerOptions, port int) error {
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.Ports(port),
		kfake.DataDir(filepath.Join(o.DataDir, "data")),
		kfake.ClusterID("ticketing"),
		kfake.GroupMinSessionTimeout(time.Second),
		// KIP-848 groups rebalance as slowly as they beat; nobody waits five seconds for that on a laptop.
		kfake.BrokerConfigs(map[string]string{"group.consumer.heartbeat.interval.ms": "250"}),
		kfake.WithLogger(brokerLogger{o.Logger}),
	)
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: %w", errPortTaken, err)
	}
	if err != nil {
		return fmt.Errorf("services: broker: %w", err)
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
			return fmt.Errorf("services: broker: create topic %s: %w", topic, err)
		}
	}
	return nil
}

func (b *Broker) compact() {
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

// Addrs answers where clients find the broker.
func (b *Broker) Addrs() []string { return b.cluster.ListenAddrs() }

// Stop writes everything to the disk, ends all connections, and gives the folder free. It must be called once.
func (b *Broker) Stop() error {
	close(b.stop)
	b.stopped.Wait()
	b.cluster.Close()
	return b.lock.release()
}

// ServeBroker runs a broker until ctx ends, for a process of its own. Once it takes connections it writes its addresses, separated by
// commas, as one line.
func ServeBroker(ctx context.Context, o BrokerOptions, ready io.Writer) error {
	b, err := StartBroker(o)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(ready, strings.Join(b.Addrs(), ",")); err != nil {
		return errors.Join(fmt.Errorf("services: %w", err), b.Stop())
	}
	<-ctx.Done()
	return b.Stop()
}

// brokerLogger passes on what went wrong; all else is noise.
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
