// Package kafka gives all clients of Redpanda, or any Kafka, what they have in common, and makes topics. How records are produced and
// consumed is left to relay and projector.
package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/plugin/kotel"
)

// Config says where the brokers are and who asks.
type Config struct {
	Brokers  []string     // host:port
	ClientID string       // what brokers log and count quotas by
	Logger   *slog.Logger // nil: slog.Default()
}

// Options answers what every client starts with; more options may follow, and win.
func Options(c Config) []kgo.Opt {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	tracing := kotel.NewKotel(kotel.WithTracer(kotel.NewTracer(kotel.ClientID(c.ClientID))))
	return []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID(c.ClientID),
		kgo.WithLogger(logger{c.Logger}),
		kgo.WithHooks(tracing.Hooks()...),
		kgo.DialTimeout(5 * time.Second),
		// A moved leader or a topic just made is found after that long; the default of 5 s is felt on a laptop.
		kgo.MetadataMinAge(250 * time.Millisecond),
	}
}

var errRefused = errors.New("kafka: refused")

// EnsureTopics makes those of the topics that are missing, with so many partitions each and the cluster's own replication factor, and
// waits until every one of their partitions has a leader. Topics that exist are left as they are. It tries until ctx ends, since a
// broker often starts at the same time as its clients; what a broker refuses is answered at once.
func EnsureTopics(ctx context.Context, client *kgo.Client, partitions int32, topics ...string) error {
	const interval = 50 * time.Millisecond
	admin := kadm.NewClient(client)
	for {
		err := createTopics(ctx, admin, partitions, topics)
		if err == nil || errors.Is(err, errRefused) {
			return err
		}
		select {
		case <-time.After(interval):
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

func createTopics(ctx context.Context, admin *kadm.Client, partitions int32, topics []string) error {
	made, err := admin.CreateTopics(ctx, partitions, -1, nil, topics...)
	if err != nil {
		return fmt.Errorf("kafka: create topics: %w", err)
	}
	for _, topic := range made.Sorted() {
		switch {
		case topic.Err == nil, errors.Is(topic.Err, kerr.TopicAlreadyExists):
		case kerr.IsRetriable(topic.Err):
			return fmt.Errorf("kafka: create topic %s: %w", topic.Topic, topic.Err)
		default:
			return fmt.Errorf("%w: create topic %s: %w", errRefused, topic.Topic, topic.Err)
		}
	}
	details, err := admin.ListTopics(ctx, topics...)
	if err != nil {
		return fmt.Errorf("kafka: list topics: %w", err)
	}
	if !led(details, topics) {
		return fmt.Errorf("kafka: topics %v have no leaders yet", topics)
	}
	return nil
}

func led(details kadm.TopicDetails, topics []string) bool {
	for _, topic := range topics {
		detail, found := details[topic]
		if !found || detail.Err != nil || len(detail.Partitions) == 0 {
			return false
		}
		for _, partition := range detail.Partitions {
			if partition.Err != nil || partition.Leader < 0 {
				return false
			}
		}
	}
	return true
}
