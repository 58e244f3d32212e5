package relay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// ensureTopics creates the topics that are missing and answers how many partitions each has. They keep everything: whoever starts
// from nothing reads a topic from its beginning.
func (s *session) ensureTopics(ctx context.Context) (map[string]int32, error) {
	names := slices.Collect(maps.Values(s.cfg.Topics))
	forever := "-1"
	const brokersDefault = -1
	created, err := s.admin.CreateTopics(ctx, s.cfg.Partitions, brokersDefault,
		map[string]*string{"retention.ms": &forever, "retention.bytes": &forever}, names...)
	if err != nil {
		return nil, fmt.Errorf("relay: create topics: %w", err)
	}
	for _, topic := range created.Sorted() {
		if topic.Err != nil && !errors.Is(topic.Err, kerr.TopicAlreadyExists) {
			return nil, fmt.Errorf("relay: create topic %s: %w", topic.Topic, topic.Err)
		}
	}
	topics, err := s.admin.ListTopics(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("relay: list topics: %w", err)
	}
	counts := map[string]int32{}
	for _, topic := range topics.Sorted() {
		if topic.Err != nil {
			return nil, fmt.Errorf("relay: topic %s: %w", topic.Topic, topic.Err)
		}
		counts[topic.Topic] = int32(len(topic.Partitions)) //nolint:gosec // a broker has far fewer
	}
	return counts, nil
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
