package relay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"ticketing/internal/wait"
)

// errRecreated says that topics were missing in mid-session: a client that knew them does not write to new topics of their names.
var errRecreated = errors.New("topics were deleted, and are created again")

// ensureTopics creates the topics that are missing and returns how many partitions each topic has.
func (s *session) ensureTopics(ctx context.Context) (map[string]int32, error) {
	counts, missing, err := s.countPartitions(ctx)
	if err != nil || len(missing) == 0 {
		return counts, err
	}
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if err := s.createTopics(ctx, missing); err != nil {
		return nil, err
	}
	if !s.verified.IsZero() {
		return nil, errRecreated
	}
	for { // until all brokers and the client's cache know the new topics
		if counts, missing, err = s.countPartitions(ctx); err != nil || len(missing) == 0 {
			return counts, err
		}
		_ = wait.For(ctx, metadataAge)
		if ctx.Err() != nil {
			return nil, fmt.Errorf("topics %v were created, but the broker does not list them: %w", missing, ctx.Err())
		}
	}
}

// countPartitions returns how many partitions each topic has, and the topics that are missing.
func (s *session) countPartitions(ctx context.Context) (counts map[string]int32, missing []string, err error) {
	topics, err := s.listTopics(ctx)
	if err != nil {
		return nil, nil, err
	}
	counts = map[string]int32{}
	for _, topic := range topics.Sorted() {
		switch {
		case errors.Is(topic.Err, kerr.UnknownTopicOrPartition):
			missing = append(missing, topic.Topic)
		case topic.Err != nil:
			return nil, nil, fmt.Errorf("describe topic %s: %w", topic.Topic, topic.Err)
		default:
			counts[topic.Topic] = int32(len(topic.Partitions)) //nolint:gosec // a broker has far fewer
		}
	}
	return counts, missing, nil
}

func (s *session) listTopics(ctx context.Context) (kadm.TopicDetails, error) {
	topics, err := s.admin.ListTopics(ctx, slices.Collect(maps.Values(s.cfg.Topics))...)
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	return topics, nil
}

// createTopics creates topics that keep all records: a new reader reads a topic from its beginning.
func (s *session) createTopics(ctx context.Context, names []string) error {
	const replicationAsTheBrokerLikes = -1
	forever := "-1"
	created, err := s.admin.CreateTopics(ctx, s.cfg.Partitions, replicationAsTheBrokerLikes,
		map[string]*string{"retention.ms": &forever, "retention.bytes": &forever}, names...)
	if err != nil {
		return fmt.Errorf("create topics: %w", err)
	}
	for _, topic := range created.Sorted() {
		if topic.Err != nil && !errors.Is(topic.Err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("create topic %s: %w", topic.Topic, topic.Err)
		}
	}
	return nil
}

// listOffsets returns where each partition of the topics starts and ends.
func (s *session) listOffsets(ctx context.Context) (starts, ends kadm.ListedOffsets, err error) {
	names := slices.Collect(maps.Values(s.cfg.Topics))
	if starts, err = s.admin.ListStartOffsets(ctx, names...); err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("list start offsets: %w", err)
	}
	if ends, err = s.admin.ListEndOffsets(ctx, names...); err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("list end offsets: %w", err)
	}
	return starts, ends, nil
}
