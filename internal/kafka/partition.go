package kafka

import "github.com/twmb/franz-go/pkg/kgo"

// byKey is the partitioner of every Kafka client: the key alone decides.
var byKey = kgo.StickyKeyPartitioner(nil).ForTopic("")

// Partition answers in which of a topic's partitions the records of a key are.
func Partition(key string, partitions int32) int32 {
	return int32(byKey.Partition(&kgo.Record{Key: []byte(key)}, int(partitions))) //nolint:gosec // below their number
}
