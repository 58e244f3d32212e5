package kafka

import "github.com/twmb/franz-go/pkg/kgo"

// byKey is the default partitioner of every Kafka client: it depends on nothing but the key.
var byKey = kgo.StickyKeyPartitioner(nil).ForTopic("")

// Partition returns which of a topic's partitions has the records of a key.
func Partition(key string, partitions int32) int32 {
	return int32(byKey.Partition(&kgo.Record{Key: []byte(key)}, int(partitions))) //nolint:gosec // below their number
}
