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

// errRemade says that topics had to be made that were there before: a client that knew them does not write into their successors.
var errRemade = errors.New("relay: topics were deleted, and are made again")

// ensureTopics creates the topics that are missing and answers how many partitions each has.
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
		return nil, errRemade
	}
	for { // a new topic takes a moment to be known to all brokers, and to the client's cache
		if counts, missing, err = s.countPartitions(ctx); err != nil || len(missing) == 0 {
			return counts, err
		}
		_ = wait.For(ctx, metadataAge)
		if ctx.Err() != nil {
			return nil, fmt.Errorf("relay: topics %v were created, but the broker does not show them: %w", missing, ctx.Err())
		}
	}
}

// countPartitions answers how many partitions each topic has, and which topics there are not.
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
			return nil, nil, fmt.Errorf("relay: topic %s: %w", topic.Topic, topic.Err)
		default:
			counts[topic.Topic] = int32(len(topic.Partitions)) //nolint:gosec // a broker has far fewer
		}
	}
	return counts, missing, nil
}

func (s *session) listTopics(ctx context.Context) (kadm.TopicDetails, error) {
	topics, err := s.admin.ListTopics(ctx, slices.Collect(maps.Values(s.cfg.Topics))...)
	if err != nil {
		return nil, fmt.Errorf("relay: list topics: %w", err)
	}
	return topics, nil
}

// createTopics makes topics that keep everything: whoever starts from nothing reads a topic from its beginning.
func (s *session) createTopics(ctx context.Context, names []string) error {
	const replicationAsTheBrokerLikes = -1
	forever := "-1"
	created, err := s.admin.CreateTopics(ctx, s.cfg.Partitions, replicationAsTheBrokerLikes,
		map[string]*string{"retention.ms": &forever, "retention.bytes": &forever}, names...)
	if err != nil {
		return fmt.Errorf("relay: create topics: %w", err)
	}
	for _, topic := range created.Sorted() {
		if topic.Err != nil && !errors.Is(topic.Err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("relay: create topic %s: %w", topic.Topic, topic.Err)
		}
	}
	return nil
}

// ends answers where each partition of the topics begins and ends.
func (s *session) ends(ctx context.Context) (starts, ends kadm.ListedOffsets, err error) {
	names := slices.Collect(maps.Values(s.cfg.Topics))
	if starts, err = s.admin.ListStartOffsets(ctx, names...); err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("relay: list start offsets: %w", err)
	}
	if ends, err = s.admin.ListEndOffsets(ctx, names...); err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, nil, fmt.Errorf("relay: list end offsets: %w", err)
	}
	return starts, ends, nil
}
