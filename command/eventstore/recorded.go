// Package eventstore reads the log: one append-only table in PostgreSQL whose positions are dense and in commit order, so that reading on
// after the last position misses nothing.
//
// Only the engine appends: it holds the lock that makes positions dense. The types of domain events are known through the Registry.
package eventstore

import (
	"encoding/json"
	"fmt"
	"time"
)

// Metadata is stored with every domain event. It names users by id only.
type Metadata struct {
	CorrelationID string `json:"correlationId"`         // one a request, in all streams that it changes
	CausationID   string `json:"causationId,omitempty"` // id of the domain event that a saga reacted to, else the correlation id
	Actor         string `json:"actor"`                 // a user id, or "system:<what>"
	Traceparent   string `json:"traceparent,omitempty"` // W3C Trace Context of the request
	Incarnation   string `json:"incarnation"`           // of the log, see table log_incarnation
}

// Recorded is a record: a domain event as read from the log.
type Recorded struct {
	Shard         int16
	Position      int64 // dense within the shard, from 1
	StreamID      string
	Version       int64 // dense within the stream, from 1
	Type          string
	SchemaVersion int
	Data          json.RawMessage
	Metadata      Metadata
	RecordedAt    time.Time
}

// ID returns the identity of the domain event outside the log. It is unique also after a restore that lost commits.
func (r *Recorded) ID() string {
	return fmt.Sprintf("%s-%d-%d", r.Metadata.Incarnation, r.Shard, r.Position)
}
