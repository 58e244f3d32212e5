// Package eventstore is the log: one append-only table in PostgreSQL whose positions are dense and in commit order, so that a
// reader who asks for position > last misses nothing.
//
// It reads; appending is the engine's, which holds the lock that makes positions dense. It knows the types of domain events
// only through the Registry.
package eventstore

import (
	"encoding/json"
	"fmt"
	"time"
)

// Metadata stands beside every domain event. It names people by user id only.
type Metadata struct {
	CorrelationID string `json:"correlationId"`         // one a request, through all streams that it touches
	CausationID   string `json:"causationId,omitempty"` // id of the domain event that a saga reacted to, else the correlation id
	Actor         string `json:"actor"`                 // a user id, or "system:<what>"
	Traceparent   string `json:"traceparent,omitempty"` // W3C Trace Context of the request
	Incarnation   string `json:"incarnation"`           // of the log, see table log_incarnation
}

// Recorded is a domain event as it stands in the log.
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

// ID is the identity of the domain event for everybody outside the log: unique also after a restore that lost commits.
func (r *Recorded) ID() string {
	return fmt.Sprintf("%s-%d-%d", r.Metadata.Incarnation, r.Shard, r.Position)
}
