package eventstore

import "strings"

// StreamID returns the name of the stream of one aggregate: its category, "-", and the aggregate's id.
func StreamID(category, id string) string { return category + "-" + id }

// SplitStreamID returns the category and the aggregate's id of a stream. The id is empty if streamID has no "-".
func SplitStreamID(streamID string) (category, id string) {
	category, id, _ = strings.Cut(streamID, "-")
	return category, id
}
